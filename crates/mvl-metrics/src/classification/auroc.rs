//! The area under the receiver operating characteristic: how likely a positive is ranked before a negative.
//!
//! # Source
//! J. A. Hanley and B. J. McNeil, The meaning and use of the area under a ROC curve, Radiology 143, 1982,
//! <https://doi.org/10.1148/radiology.143.1.7063747>. As torchmetrics' exact mode (`thresholds=None`), but for classes that
//! cannot be judged: there they count as 0, here they do not count.

use mvl_core::{Classification, Metric};
use serde::{Deserialize, Serialize};

use super::ranked_scores::{RankedScores, mean_of_known};
use crate::Merge;

/// `auroc` of one score a sample, 0 to 1 and one half for chance; a positive and a negative of one score count half.
///
/// Any scores will do, only their order counts. NaN without a positive or without a negative, and after a score that is NaN. Keeps
/// all scores: five bytes a sample.
///
/// # Example
/// ```
/// use mvl_core::Metric;
/// use mvl_metrics::BinaryAuroc;
/// let mut metric = BinaryAuroc::new();
/// metric.update(&[0.9, 0.8, 0.3, 0.1], &[true, false, true, false]);
/// assert_eq!(metric.compute(), [("auroc".to_owned(), 0.75)]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BinaryAuroc {
    scores: RankedScores,
}

/// `auroc` of each class's probability against all other classes, averaged over the classes that some sample has and some has not.
///
/// Samples without a label do not count. NaN when there is no such class, and after a NaN in an answer. Keeps all probabilities: five
/// bytes a class and sample.
///
/// # Example
/// ```
/// use mvl_core::{Classification, Metric};
/// use mvl_metrics::OneVsRestAuroc;
/// let mut metric = OneVsRestAuroc::new(3);
/// let answers = [[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.5, 0.4, 0.1]].map(|row| Classification::new(row.to_vec()));
/// metric.update(&answers, &[Some(0), Some(1), Some(0)]);
/// assert_eq!(metric.compute(), [("auroc".to_owned(), 1.0)]); // nothing is said of class 2
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OneVsRestAuroc {
    classes: Vec<RankedScores>,
}

impl BinaryAuroc {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl OneVsRestAuroc {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(classes: usize) -> Self {
        Self { classes: vec![RankedScores::default(); classes] }
    }

    /// The figure of one class; `None` when no sample has it, or all have.
    ///
    /// # Panics
    /// If there is no such class.
    #[must_use]
    pub fn of_class(&self, class: usize) -> Option<f64> {
        area(&self.classes[class])
    }
}

impl Metric<f32, bool> for BinaryAuroc {
    fn update(&mut self, predictions: &[f32], truths: &[bool]) {
        predictions.iter().zip(truths).for_each(|(&score, &is_positive)| self.scores.add(score, is_positive));
    }

    fn compute(&self) -> Vec<(String, f64)> {
        vec![("auroc".to_owned(), area(&self.scores).unwrap_or(f64::NAN))]
    }
}

impl Metric<Classification, Option<usize>> for OneVsRestAuroc {
    /// # Panics
    /// If an answer has fewer classes than the metric.
    fn update(&mut self, predictions: &[Classification], truths: &[Option<usize>]) {
        for (prediction, truth) in predictions.iter().zip(truths) {
            let Some(truth) = *truth else { continue };
            for (class, scores) in self.classes.iter_mut().enumerate() {
                scores.add(prediction.probabilities()[class], class == truth);
            }
        }
    }

    fn compute(&self) -> Vec<(String, f64)> {
        vec![("auroc".to_owned(), mean_of_known(self.classes.iter().map(area)))]
    }
}

impl Merge for BinaryAuroc {
    fn merge(&mut self, other: Self) {
        self.scores.merge(other.scores);
    }
}

impl Merge for OneVsRestAuroc {
    fn merge(&mut self, other: Self) {
        assert_eq!(self.classes.len(), other.classes.len(), "tallies of other classes cannot be merged");
        self.classes.iter_mut().zip(other.classes).for_each(|(ours, theirs)| ours.merge(theirs));
    }
}

/// NaN when a score is; `None` without a positive or without a negative.
fn area(scores: &RankedScores) -> Option<f64> {
    let Some(ranks) = scores.ranks() else { return Some(f64::NAN) };
    let (mut positives, mut negatives, mut halves) = (0_u64, 0_u64, 0_u128);
    for equals in ranks {
        halves += u128::from(equals.negatives) * u128::from(2 * positives + equals.positives);
        positives += equals.positives;
        negatives += equals.negatives;
    }
    let pairs = u128::from(positives) * u128::from(negatives);
    (pairs > 0).then(|| halves as f64 / (2 * pairs) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_count_half() {
        let mut metric = BinaryAuroc::new();
        metric.update(&[0.5, 0.5, 0.5], &[true, false, true]);
        assert_eq!(metric.compute()[0].1, 0.5);
    }

    #[test]
    fn one_kind_only_and_nan_are_nan() {
        let mut metric = BinaryAuroc::new();
        metric.update(&[0.5, 0.6], &[true, true]);
        assert!(metric.compute()[0].1.is_nan());
        metric.update(&[0.1, f32::NAN], &[false, false]);
        assert!(metric.compute()[0].1.is_nan());
    }
}
