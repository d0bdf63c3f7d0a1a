//! How often the right class is among the k likeliest.

use super::Metric;
use crate::Classification;

/// Top-k accuracy of classifications, 0 to 1; samples without a label do not count.
#[derive(Debug, Clone)]
pub struct TopKAccuracy {
    k: usize,
    right: u64,
    seen: u64,
}

impl TopKAccuracy {
    /// Counts a sample as right when its class is among the `k` likeliest.
    pub fn new(k: usize) -> Self {
        Self { k, right: 0, seen: 0 }
    }
}

impl Metric<Classification, Option<usize>> for TopKAccuracy {
    fn update(&mut self, predictions: &[Classification], truths: &[Option<usize>]) {
        for (prediction, truth) in predictions.iter().zip(truths) {
            let Some(truth) = *truth else { continue };
            self.seen += 1;
            self.right += u64::from(prediction.rank_of(truth).is_some_and(|rank| rank < self.k));
        }
    }

    fn compute(&self) -> Vec<(String, f64)> {
        let name = if self.k == 1 { "accuracy".to_owned() } else { format!("top{}_accuracy", self.k) };
        vec![(name, self.right as f64 / self.seen as f64)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_among_the_first_k() {
        let predictions = [Classification::new(vec![0.5, 0.3, 0.2]), Classification::new(vec![0.1, 0.2, 0.7])];
        let truths = [Some(1), Some(2)];
        let figure = |k| {
            let mut metric = TopKAccuracy::new(k);
            metric.update(&predictions, &truths);
            metric.compute()[0].1
        };
        assert_eq!((figure(1), figure(2)), (0.5, 1.0));
    }

    #[test]
    fn nothing_seen_is_not_a_number() {
        assert!(TopKAccuracy::new(1).compute()[0].1.is_nan());
    }
}
