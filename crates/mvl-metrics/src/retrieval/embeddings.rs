//! How well embeddings find their like.
//!
//! # Source
//! H. Jégou et al., Product Quantization for Nearest Neighbor Search, 2011, <https://doi.org/10.1109/TPAMI.2010.57> (recall at K);
//! H. O. Song et al., Deep Metric Learning via Lifted Structured Feature Embedding, 2016, <https://arxiv.org/abs/1511.06452> (every
//! item a query among all others).

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::RetrievalScores;
use crate::Merge;

/// Sums that a processor adds up at once.
const LANES: usize = 8;

/// What makes two embeddings alike.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Similarity {
    /// The cosine of their angle; 0 when one of them has no length.
    #[default]
    Cosine,
    /// Their dot product.
    Dot,
    /// Their Euclidean distance, where less is more alike.
    Euclidean,
}

/// Retrieval by embeddings: each query ranks the gallery by similarity, and what has its label is relevant. The figures are those of
/// [`RetrievalScores`].
///
/// Items have a number of their own. A query never finds the item of its own number, and an item that comes again, as samplers that pad
/// ranks make it, takes the place of the former. Of equally similar items those that are not relevant come first, so that the
/// figures depend on no order, and an embedding that is the same for everything earns nothing. A similarity of NaN ranks last.
///
/// Keeps all embeddings, and compares every query with the whole gallery when the figures are asked for.
///
/// # Example
/// ```
/// use mvl_metrics::{EmbeddingRetrieval, Similarity};
/// let mut metric = EmbeddingRetrieval::new(Similarity::Cosine, &[1]);
/// for (item, label, embedding) in [(0, 5, [1.0, 0.0]), (1, 5, [0.9, 0.1]), (2, 6, [0.0, 1.0]), (3, 6, [0.8, 0.6])] {
///     metric.add(item, label, &embedding); // a query among all others
/// }
/// assert_eq!(metric.compute()[0], ("recall_at_1".to_owned(), 0.75)); // the last one is nearer to the fives
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EmbeddingRetrieval {
    similarity: Similarity,
    cuts: Vec<usize>,
    queries: BTreeMap<u64, Item>,
    gallery: BTreeMap<u64, Item>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Item {
    label: u64,
    embedding: Vec<f32>,
}

impl EmbeddingRetrieval {
    /// Nothing seen yet; recall and precision are told at these places.
    ///
    /// # Panics
    /// If one of them is 0.
    #[must_use]
    pub fn new(similarity: Similarity, cuts: &[usize]) -> Self {
        assert!(!cuts.contains(&0), "expected places from 1 on, got {cuts:?}");
        Self { similarity, cuts: cuts.to_vec(), queries: BTreeMap::new(), gallery: BTreeMap::new() }
    }

    /// Adds an item that is a query, and in the gallery of all others.
    pub fn add(&mut self, item: u64, label: u64, embedding: &[f32]) {
        self.add_query(item, label, embedding);
        self.add_to_gallery(item, label, embedding);
    }

    /// Adds a query only.
    pub fn add_query(&mut self, item: u64, label: u64, embedding: &[f32]) {
        self.queries.insert(item, Item { label, embedding: embedding.to_vec() });
    }

    /// Adds an item to the gallery only.
    pub fn add_to_gallery(&mut self, item: u64, label: u64, embedding: &[f32]) {
        self.gallery.insert(item, Item { label, embedding: embedding.to_vec() });
    }

    /// The figures so far.
    ///
    /// # Panics
    /// If embeddings are of different lengths.
    #[must_use]
    pub fn compute(&self) -> Vec<(String, f64)> {
        let mut scores = RetrievalScores::new(&self.cuts);
        let square_of = |item: &Item| dot(&item.embedding, &item.embedding);
        let gallery: Vec<(u64, &Item, f64)> =
            self.gallery.iter().map(|(&number, item)| (number, item, square_of(item))).collect();
        for (&number, query) in &self.queries {
            let seeker = (query.embedding.as_slice(), square_of(query));
            let others = gallery.iter().filter(|(other, _, _)| *other != number);
            let mut ranked: Vec<(f64, bool)> = others
                .map(|&(_, item, square)| {
                    (self.similarity.of(seeker, (&item.embedding, square)), query.label == item.label)
                })
                .collect();
            ranked.sort_unstable_by(best_first);
            let hits: Vec<bool> = ranked.iter().map(|(_, is_hit)| *is_hit).collect();
            scores.add(&hits, hits.iter().filter(|is_hit| **is_hit).count());
        }
        scores.compute()
    }
}

impl Merge for EmbeddingRetrieval {
    fn merge(&mut self, other: Self) {
        let settings = |metric: &Self| (metric.similarity, metric.cuts.clone());
        assert_eq!(settings(self), settings(&other), "tallies of other settings cannot be merged");
        self.queries.extend(other.queries);
        self.gallery.extend(other.gallery);
    }
}

impl Similarity {
    /// More is more alike. A square is the dot product of an embedding with itself.
    fn of(self, (a, a_square): (&[f32], f64), (b, b_square): (&[f32], f64)) -> f64 {
        match self {
            Self::Dot => dot(a, b),
            Self::Euclidean => -sum_over_pairs(a, b, |a, b| (a - b) * (a - b)),
            Self::Cosine => {
                let squares = a_square * b_square;
                if squares == 0.0 { 0.0 } else { dot(a, b) / squares.sqrt() }
            }
        }
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    sum_over_pairs(a, b, |a, b| a * b)
}

/// Adds up in [`LANES`] sums side by side.
fn sum_over_pairs(a: &[f32], b: &[f32], term: impl Fn(f64, f64) -> f64) -> f64 {
    assert_eq!(a.len(), b.len(), "expected embeddings of one length");
    let term = |a: f32, b: f32| term(f64::from(a), f64::from(b));
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += term(a[lane], b[lane]);
        }
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(&a, &b)| term(a, b)).sum::<f64>()
}

/// The most alike first, NaN last; of equals the irrelevant first.
fn best_first((a, a_is_hit): &(f64, bool), (b, b_is_hit): &(f64, bool)) -> Ordering {
    let by_similarity = match (a.is_nan(), b.is_nan()) {
        (false, false) => b.partial_cmp(a).unwrap_or(Ordering::Equal),
        (a_is_nan, b_is_nan) => a_is_nan.cmp(&b_is_nan),
    };
    by_similarity.then(a_is_hit.cmp(b_is_hit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_embedding_and_nan_earn_the_least() {
        for value in [1.0, 0.0, f32::NAN] {
            let mut metric = EmbeddingRetrieval::new(Similarity::Cosine, &[1]);
            (0..4).for_each(|item| metric.add(item, item / 2, &[value, value]));
            let figures = metric.compute();
            assert_eq!((figures[0].1, figures[3].1), (0.0, 1.0 / 3.0), "the relevant one of three comes last");
        }
    }

    #[test]
    fn queries_and_gallery_may_be_apart() {
        let mut metric = EmbeddingRetrieval::new(Similarity::Euclidean, &[1]);
        metric.add_query(0, 1, &[0.0]);
        assert!(metric.compute()[0].1.is_nan(), "nothing to find");
        metric.add_to_gallery(1, 1, &[2.0]);
        metric.add_to_gallery(2, 2, &[-1.0]);
        assert_eq!(metric.compute()[3].1, 0.5);
    }
}
