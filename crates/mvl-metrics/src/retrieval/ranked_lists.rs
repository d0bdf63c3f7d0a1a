//! How good ranked lists are.
//!
//! # Source
//! C. D. Manning et al., Introduction to Information Retrieval, 2008, chapter 8, <https://nlp.stanford.edu/IR-book/>; E. M. Voorhees, The
//! TREC-8 Question Answering Track Report, 1999 (the reciprocal rank). As torchmetrics' `RetrievalRecall` and its siblings with
//! `empty_target_action="skip"`.

use serde::{Deserialize, Serialize};

use crate::Merge;
use crate::unit_sum::UnitSum;

/// Figures of ranked lists, 0 to 1, averaged over queries: `recall_at_K`, the share of what is relevant that is among the first K;
/// `precision_at_K`, the share of K places with something relevant; `mean_average_precision`, the precision at each relevant place,
/// over all that is relevant; `mean_reciprocal_rank`, one over the first relevant place.
///
/// Queries for which nothing is relevant do not count. All figures are NaN before the first that counts.
///
/// # Example
/// ```
/// use mvl_metrics::RetrievalScores;
/// let mut metric = RetrievalScores::new(&[1, 2]);
/// metric.add(&[false, true, true], 2); // the second and third are relevant, and nothing else
/// metric.add(&[true, false, false], 2); // another relevant one is not in the list
/// let figures = metric.compute();
/// assert_eq!(figures[0], ("recall_at_1".to_owned(), 0.25));
/// assert_eq!(figures[3], ("precision_at_2".to_owned(), 0.5));
/// assert_eq!(figures[5], ("mean_reciprocal_rank".to_owned(), 0.75));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetrievalScores {
    cuts: Vec<AtCut>,
    queries: u64,
    average_precision: UnitSum,
    reciprocal_rank: UnitSum,
}

/// Sums over the first so many places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct AtCut {
    places: usize,
    recall: UnitSum,
    precision: UnitSum,
}

impl RetrievalScores {
    /// Nothing counted yet; recall and precision are told at these places.
    ///
    /// # Panics
    /// If one of them is 0.
    #[must_use]
    pub fn new(cuts: &[usize]) -> Self {
        assert!(!cuts.contains(&0), "expected places from 1 on, got {cuts:?}");
        let cut = |&places: &usize| AtCut { places, recall: UnitSum::default(), precision: UnitSum::default() };
        let (average_precision, reciprocal_rank) = (UnitSum::default(), UnitSum::default());
        Self { cuts: cuts.iter().map(cut).collect(), queries: 0, average_precision, reciprocal_rank }
    }

    /// Adds a query: whether each place of its list is relevant, the first one first, and how many relevant ones there are in all, in
    /// the list or not.
    ///
    /// # Panics
    /// If there are more in the list than in all.
    pub fn add(&mut self, ranked: &[bool], relevant: usize) {
        let hits: Vec<usize> = (1..).zip(ranked).filter(|(_, is_hit)| **is_hit).map(|(place, _)| place).collect();
        assert!(hits.len() <= relevant, "expected at most {relevant} relevant places, got {}", hits.len());
        if relevant == 0 {
            return;
        }
        self.queries += 1;
        for cut in &mut self.cuts {
            let found = hits.iter().filter(|&&place| place <= cut.places).count() as f64;
            cut.recall.add(found / relevant as f64);
            cut.precision.add(found / cut.places as f64);
        }
        let precisions: f64 = (1..).zip(&hits).map(|(found, &place)| f64::from(found) / place as f64).sum();
        self.average_precision.add(precisions / relevant as f64);
        self.reciprocal_rank.add(hits.first().map_or(0.0, |&place| 1.0 / place as f64));
    }

    /// The figures so far: recalls, precisions, then the two means.
    #[must_use]
    pub fn compute(&self) -> Vec<(String, f64)> {
        let over = |sum: UnitSum| sum.over(self.queries);
        let recalls = self.cuts.iter().map(|cut| (format!("recall_at_{}", cut.places), over(cut.recall)));
        let precisions = self.cuts.iter().map(|cut| (format!("precision_at_{}", cut.places), over(cut.precision)));
        let means = [
            ("mean_average_precision".to_owned(), over(self.average_precision)),
            ("mean_reciprocal_rank".to_owned(), over(self.reciprocal_rank)),
        ];
        recalls.chain(precisions).chain(means).collect()
    }
}

impl Merge for RetrievalScores {
    fn merge(&mut self, other: Self) {
        let places = |metric: &Self| metric.cuts.iter().map(|cut| cut.places).collect::<Vec<_>>();
        assert_eq!(places(self), places(&other), "tallies of other places cannot be merged");
        self.queries += other.queries;
        self.average_precision.merge(other.average_precision);
        self.reciprocal_rank.merge(other.reciprocal_rank);
        for (ours, theirs) in self.cuts.iter_mut().zip(other.cuts) {
            ours.recall.merge(theirs.recall);
            ours.precision.merge(theirs.precision);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_without_an_answer_do_not_count() {
        let mut metric = RetrievalScores::new(&[5]);
        metric.add(&[false, false], 0);
        assert!(metric.compute().iter().all(|(_, figure)| figure.is_nan()));
        metric.add(&[], 1);
        assert!(metric.compute().iter().all(|(_, figure)| *figure == 0.0));
    }
}
