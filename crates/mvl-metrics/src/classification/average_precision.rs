//! Average precision: the precision at each positive of a ranking, averaged.
//!
//! # Source
//! C. Buckley and E. M. Voorhees, Evaluating Evaluation Measure Stability, SIGIR 2000, <https://doi.org/10.1145/345508.345543>; equal
//! scores taken together, as scikit-learn's `average_precision_score` and torchmetrics' exact mode (`thresholds=None`) do. Without
//! interpolation, so not that of PASCAL VOC.

use mvl_core::{Classification, Metric};
use serde::{Deserialize, Serialize};

use super::ranked_scores::{RankedScores, mean_of_known};
use crate::Merge;

/// `average_precision` of one score a sample, 0 to 1.
///
/// Any scores will do, only their order counts. NaN without a positive, and after a score that is NaN. Keeps all scores: five bytes a
/// sample.
///
/// # Example
/// ```
/// use mvl_core::Metric;
/// use mvl_metrics::BinaryAveragePrecision;
/// let mut metric = BinaryAveragePrecision::new();
/// metric.update(&[0.9, 0.8, 0.3, 0.1], &[true, false, false, true]);
/// assert_eq!(metric.compute(), [("average_precision".to_owned(), (1.0 + 2.0 / 4.0) / 2.0)]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BinaryAveragePrecision {
    scores: RankedScores,
}

/// `mean_average_precision` of images with any number of classes: the mean over the classes that some sample has.
///
/// Samples whose classes are not known do not count. NaN when no sample has a class, and after a NaN in an answer. Keeps all
/// probabilities: five bytes a class and sample.
///
/// # Example
/// ```
/// use mvl_core::{Classification, Metric};
/// use mvl_metrics::MultiLabelAveragePrecision;
/// let mut metric = MultiLabelAveragePrecision::new(3);
/// let answers = [[0.8, 0.1, 0.1], [0.3, 0.6, 0.1]].map(|row| Classification::new(row.to_vec()));
/// metric.update(&answers, &[Some(vec![1]), Some(vec![0, 1])]);
/// assert_eq!((metric.of_class(0), metric.of_class(1), metric.of_class(2)), (Some(0.5), Some(1.0), None));
/// assert_eq!(metric.compute(), [("mean_average_precision".to_owned(), 0.75)]);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MultiLabelAveragePrecision {
    classes: Vec<RankedScores>,
}

impl BinaryAveragePrecision {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl MultiLabelAveragePrecision {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(classes: usize) -> Self {
        Self { classes: vec![RankedScores::default(); classes] }
    }

    /// The figure of one class; `None` when no sample has it.
    ///
    /// # Panics
    /// If there is no such class.
    #[must_use]
    pub fn of_class(&self, class: usize) -> Option<f64> {
        average(&self.classes[class])
    }
}

impl Metric<f32, bool> for BinaryAveragePrecision {
    fn update(&mut self, predictions: &[f32], truths: &[bool]) {
        predictions.iter().zip(truths).for_each(|(&score, &is_positive)| self.scores.add(score, is_positive));
    }

    fn compute(&self) -> Vec<(String, f64)> {
        vec![("average_precision".to_owned(), average(&self.scores).unwrap_or(f64::NAN))]
    }
}

impl Metric<Classification, Option<Vec<usize>>> for MultiLabelAveragePrecision {
    /// # Panics
    /// If an answer has fewer classes than the metric.
    fn update(&mut self, predictions: &[Classification], truths: &[Option<Vec<usize>>]) {
        for (prediction, truth) in predictions.iter().zip(truths) {
            let Some(truth) = truth else { continue };
            for (class, scores) in self.classes.iter_mut().enumerate() {
                scores.add(prediction.probabilities()[class], truth.contains(&class));
            }
        }
    }

    fn compute(&self) -> Vec<(String, f64)> {
        vec![("mean_average_precision".to_owned(), mean_of_known(self.classes.iter().map(average)))]
    }
}

impl Merge for BinaryAveragePrecision {
    fn merge(&mut self, other: Self) {
        self.scores.merge(other.scores);
    }
}

impl Merge for MultiLabelAveragePrecision {
    fn merge(&mut self, other: Self) {
        assert_eq!(self.classes.len(), other.classes.len(), "tallies of other classes cannot be merged");
        self.classes.iter_mut().zip(other.classes).for_each(|(ours, theirs)| ours.merge(theirs));
    }
}

/// NaN when a score is; `None` without a positive.
fn average(scores: &RankedScores) -> Option<f64> {
    let Some(ranks) = scores.ranks() else { return Some(f64::NAN) };
    let (mut found, mut seen, mut sum) = (0, 0, 0.0);
    for equals in ranks {
        found += equals.positives;
        seen += equals.positives + equals.negatives;
        sum += equals.positives as f64 * found as f64 / seen as f64;
    }
    (found > 0).then(|| sum / found as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_are_taken_together() {
        let mut metric = BinaryAveragePrecision::new();
        metric.update(&[0.5, 0.5, 0.1], &[true, false, true]);
        assert!((metric.compute()[0].1 - (0.5 + 2.0 / 3.0) / 2.0).abs() < 1e-15);
    }

    #[test]
    fn no_positive_and_nan_are_nan() {
        let mut metric = BinaryAveragePrecision::new();
        metric.update(&[0.5], &[false]);
        assert!(metric.compute()[0].1.is_nan());
        metric.update(&[f32::NAN], &[true]);
        assert!(metric.compute()[0].1.is_nan());
    }
}
