//! The cases of retrieval.

use mvl_metrics::{EmbeddingRetrieval, RetrievalScores, Similarity};

use super::cases::check;
use super::draws::Draws;

const CUTS: [usize; 3] = [1, 3, 5];

/// Number, role (0: query and gallery, 1: query, 2: gallery), label, embedding.
type Item = (u64, usize, u64, Vec<f32>);

#[test]
fn retrieval_lists() {
    let make = |draws: &mut Draws, _| {
        let share = draws.unit();
        let queries = draws.size(1, 8);
        let list = |_| {
            let places = draws.size(1, 20);
            (0..places).map(|_| draws.unit() < share).collect::<Vec<bool>>()
        };
        (RetrievalScores::new(&CUTS), (0..queries).map(list).collect())
    };
    let update = |metric: &mut RetrievalScores, lists: &[Vec<bool>]| {
        lists.iter().for_each(|list| metric.add(list, list.iter().filter(|is_hit| **is_hit).count()));
    };
    check("retrieval_lists", make, update, |metric| metric.compute().into_iter().map(|figure| figure.1).collect());
}

#[test]
fn embedding_retrieval() {
    let make = |draws: &mut Draws, case: usize| {
        let (n, size, labels) = (draws.size(2, 20), draws.size(2, 6), draws.size(1, 5));
        let item = |number| {
            let (role, label) = (draws.below(3), draws.below(labels) as u64);
            (number, role, label, (0..size).map(|_| draws.within(-2, 2) as f32).collect())
        };
        let similarity = [Similarity::Cosine, Similarity::Dot, Similarity::Euclidean][case % 3];
        (EmbeddingRetrieval::new(similarity, &CUTS), (0..n as u64).map(item).collect())
    };
    let update = |metric: &mut EmbeddingRetrieval, items: &[Item]| {
        for (number, role, label, embedding) in items {
            match role {
                0 => metric.add(*number, *label, embedding),
                1 => metric.add_query(*number, *label, embedding),
                _ => metric.add_to_gallery(*number, *label, embedding),
            }
        }
    };
    check("embedding_retrieval", make, update, |metric| metric.compute().into_iter().map(|figure| figure.1).collect());
}
