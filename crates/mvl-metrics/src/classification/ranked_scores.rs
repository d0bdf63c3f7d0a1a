//! All scores of a class, for measures that look at every threshold.

use serde::{Deserialize, Serialize};

/// Scores, and whether each belongs to a positive: five bytes a sample.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RankedScores {
    scores: Vec<f32>,
    positives: Vec<bool>,
}

/// Samples of one score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Equals {
    pub(crate) positives: u64,
    pub(crate) negatives: u64,
}

impl RankedScores {
    pub(crate) fn add(&mut self, score: f32, is_positive: bool) {
        self.scores.push(score);
        self.positives.push(is_positive);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.scores.extend(other.scores);
        self.positives.extend(other.positives);
    }

    /// From the highest score on; `None` when one is NaN, which has no rank.
    pub(crate) fn ranks(&self) -> Option<Vec<Equals>> {
        if self.scores.iter().any(|score| score.is_nan()) {
            return None;
        }
        let mut ranked: Vec<(f32, bool)> = self.scores.iter().copied().zip(self.positives.iter().copied()).collect();
        ranked.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let ranks = ranked.chunk_by(|a, b| a.0 == b.0).map(|equals| {
            let positives = equals.iter().filter(|(_, is_positive)| *is_positive).count() as u64;
            Equals { positives, negatives: equals.len() as u64 - positives }
        });
        Some(ranks.collect())
    }
}

/// The mean of what is known; NaN when nothing is, or when one of them is NaN.
pub(crate) fn mean_of_known(figures: impl Iterator<Item = Option<f64>>) -> f64 {
    let known: Vec<f64> = figures.flatten().collect();
    known.iter().sum::<f64>() / known.len() as f64
}
