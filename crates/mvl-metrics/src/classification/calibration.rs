//! How far confidence is from accuracy.
//!
//! # Source
//! M. P. Naeini et al., Obtaining Well Calibrated Probabilities Using Bayesian Binning, AAAI 2015,
//! <https://ojs.aaai.org/index.php/AAAI/article/view/9602>; C. Guo et al., On Calibration of Modern Neural Networks, 2017,
//! <https://arxiv.org/abs/1706.04599>; A. Kumar et al., Verified Uncertainty Calibration, 2019, <https://arxiv.org/abs/1909.10155>
//! (the root mean square). Bins are those of torchmetrics' `CalibrationError`: equally wide, each with its lower end, and one of its
//! own for the confidence 1.

use mvl_core::{Classification, Metric};
use serde::{Deserialize, Serialize};

use crate::Merge;
use crate::unit_sum::UnitSum;

/// The gap between mean confidence and accuracy in bins of confidence, 0 to 1: `expected_calibration_error`, the mean of the gaps
/// weighted by the samples in a bin (torchmetrics' `l1`); `rms_calibration_error`, the root of their mean square (`l2`);
/// `maximum_calibration_error`, the widest (`max`).
///
/// Confidence is the probability of the likeliest class. Samples without a label do not count. Confidences past 0 and 1, as rounding
/// makes them, count as 0 and 1. After a NaN in an answer all three are NaN, as before the first sample.
///
/// # Example
/// ```
/// use mvl_core::Metric;
/// use mvl_metrics::CalibrationError;
/// let mut metric = CalibrationError::new(10);
/// metric.add(0.75, true);
/// metric.add(0.75, false); // this bin is off by a quarter
/// metric.add(1.0, true);
/// metric.add(1.0, true); // this one is right
/// assert_eq!(metric.compute()[0], ("expected_calibration_error".to_owned(), 0.125));
/// assert_eq!(metric.compute()[2], ("maximum_calibration_error".to_owned(), 0.25));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalibrationError {
    /// One more than asked for: the last holds the confidence 1.
    bins: Vec<Bin>,
    /// Answers that were not numbers.
    unsound: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Bin {
    seen: u64,
    right: u64,
    confidence: UnitSum,
}

impl Bin {
    /// Accuracy less mean confidence.
    fn gap(self) -> f64 {
        if self.seen == 0 { 0.0 } else { self.right as f64 / self.seen as f64 - self.confidence.over(self.seen) }
    }
}

impl CalibrationError {
    /// Nothing counted yet; 15 bins are usual.
    ///
    /// # Panics
    /// If `bins` is 0.
    #[must_use]
    pub fn new(bins: usize) -> Self {
        assert!(bins > 0, "expected at least one bin");
        Self { bins: vec![Bin::default(); bins + 1], unsound: 0 }
    }

    /// Adds one answer: how sure it was, and whether it was right. For two classes with one probability: that of the positive class,
    /// and whether the sample is positive.
    pub fn add(&mut self, confidence: f32, is_right: bool) {
        if confidence.is_nan() {
            self.unsound += 1;
            return;
        }
        let confidence = f64::from(confidence).clamp(0.0, 1.0);
        let last = self.bins.len() - 1;
        let bin = (0..self.bins.len()).rposition(|bin| bin as f64 / last as f64 <= confidence);
        let bin = &mut self.bins[bin.expect("the first bin begins at 0")];
        bin.seen += 1;
        bin.right += u64::from(is_right);
        bin.confidence.add(confidence);
    }
}

impl Metric<Classification, Option<usize>> for CalibrationError {
    fn update(&mut self, predictions: &[Classification], truths: &[Option<usize>]) {
        for (prediction, truth) in predictions.iter().zip(truths) {
            let (Some(truth), Some(best)) = (*truth, prediction.best()) else { continue };
            let probabilities = prediction.probabilities();
            let nan = probabilities.iter().copied().find(|probability| probability.is_nan());
            self.add(nan.unwrap_or(probabilities[best]), best == truth);
        }
    }

    fn compute(&self) -> Vec<(String, f64)> {
        let seen: u64 = self.bins.iter().map(|bin| bin.seen).sum();
        let mean = |figure: fn(f64) -> f64| {
            self.bins.iter().map(|bin| figure(bin.gap()) * bin.seen as f64 / seen as f64).sum::<f64>()
        };
        let widest = self.bins.iter().map(|bin| bin.gap().abs()).fold(0.0, f64::max);
        let is_known = seen > 0 && self.unsound == 0;
        let figures = [
            ("expected_calibration_error", mean(f64::abs)),
            ("rms_calibration_error", mean(|gap| gap * gap).sqrt()),
            ("maximum_calibration_error", widest),
        ];
        figures.map(|(name, figure)| (name.to_owned(), if is_known { figure } else { f64::NAN })).to_vec()
    }
}

impl Merge for CalibrationError {
    fn merge(&mut self, other: Self) {
        assert_eq!(self.bins.len(), other.bins.len(), "tallies of other bins cannot be merged");
        self.unsound += other.unsound;
        for (ours, theirs) in self.bins.iter_mut().zip(other.bins) {
            ours.seen += theirs.seen;
            ours.right += theirs.right;
            ours.confidence.merge(theirs.confidence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_holds_its_lower_end() {
        let mut metric = CalibrationError::new(4);
        [0.0, 0.25, 0.49, 0.5, 1.0].into_iter().for_each(|confidence| metric.add(confidence, true));
        assert_eq!(metric.bins.iter().map(|bin| bin.seen).collect::<Vec<_>>(), [1, 2, 1, 0, 1]);
    }

    #[test]
    fn nan_and_nothing_are_nan() {
        let mut metric = CalibrationError::new(4);
        let is_nan = |metric: &CalibrationError| metric.compute().iter().all(|(_, figure)| figure.is_nan());
        assert!(is_nan(&metric));
        metric.add(0.5, true);
        assert!(!is_nan(&metric));
        metric.update(&[Classification::new(vec![0.5, -f32::NAN])], &[Some(0)]);
        assert!(is_nan(&metric));
    }
}
