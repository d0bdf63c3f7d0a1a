//! Precision, recall and F1 by class, and their averages.
//!
//! # Source
//! C. J. van Rijsbergen, Information Retrieval, 2nd edition, 1979, <https://www.dcs.gla.ac.uk/Keith/Preface.html>; averages as
//! torchmetrics' `MulticlassPrecision` and its siblings take them.

use mvl_core::{Classification, Metric};
use serde::{Deserialize, Serialize};

use crate::Merge;
use crate::class_counts::{ClassCounts, Counts};

/// Precision, recall and F1 of the likeliest class, each 0 to 1: `precision_macro`, the mean over classes that were told or true;
/// `precision_micro`, all classes counted together; `precision_weighted`, the mean over classes weighted by their samples; likewise
/// `recall_…` and `f1_…`.
///
/// A class that was never told has precision 0, one that is never true recall 0. Samples without a label do not count; an answer
/// with a NaN tells no class, so it is a miss. All averages are NaN before the first sample.
///
/// # Example
/// ```
/// use mvl_core::{Classification, Metric};
/// use mvl_metrics::PrecisionRecall;
/// let mut metric = PrecisionRecall::new(3);
/// let answer = |best: usize| Classification::new((0..3).map(|class| f32::from(class == best)).collect());
/// metric.update(&[answer(0), answer(0), answer(1)], &[Some(0), Some(1), Some(1)]);
/// assert_eq!((metric.precision(0), metric.recall(1), metric.f1(2)), (0.5, 0.5, 0.0));
/// assert_eq!(metric.compute()[0], ("precision_macro".to_owned(), 0.75)); // class 2 was not seen
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrecisionRecall {
    counts: ClassCounts,
}

/// Precision, recall and F1 of images with any number of classes; the figures are those of [`PrecisionRecall`].
///
/// A class is told when its probability is at least the threshold, so a NaN never is. Samples whose classes are not known do not
/// count.
///
/// # Example
/// ```
/// use mvl_core::{Classification, Metric};
/// use mvl_metrics::MultiLabelPrecisionRecall;
/// let mut metric = MultiLabelPrecisionRecall::new(2, 0.5);
/// metric.update(&[Classification::new(vec![0.9, 0.6])], &[Some(vec![1])]);
/// assert_eq!((metric.precision(0), metric.recall(1)), (0.0, 1.0));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MultiLabelPrecisionRecall {
    threshold: f32,
    counts: ClassCounts,
}

impl PrecisionRecall {
    /// Nothing counted yet; classes past `classes` are told or true of nothing.
    #[must_use]
    pub fn new(classes: usize) -> Self {
        Self { counts: ClassCounts::new(classes) }
    }

    /// Adds one answer.
    pub fn add(&mut self, told: usize, truth: usize) {
        self.counts.add(Some(told), Some(truth));
    }
}

impl MultiLabelPrecisionRecall {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(classes: usize, threshold: f32) -> Self {
        Self { threshold, counts: ClassCounts::new(classes) }
    }
}

/// What both kinds tell of a class.
macro_rules! figures_of_a_class {
    ($metric:ty) => {
        impl $metric {
            /// The share of what was told as this class that was right, 0 to 1.
            ///
            /// # Panics
            /// If there is no such class.
            #[must_use]
            pub fn precision(&self, class: usize) -> f64 {
                self.counts.of(class).precision()
            }

            /// The share of this class that was told, 0 to 1.
            ///
            /// # Panics
            /// If there is no such class.
            #[must_use]
            pub fn recall(&self, class: usize) -> f64 {
                self.counts.of(class).recall()
            }

            /// The harmonic mean of precision and recall, 0 to 1.
            ///
            /// # Panics
            /// If there is no such class.
            #[must_use]
            pub fn f1(&self, class: usize) -> f64 {
                self.counts.of(class).f1()
            }
        }
    };
}

figures_of_a_class!(PrecisionRecall);
figures_of_a_class!(MultiLabelPrecisionRecall);

impl Metric<Classification, Option<usize>> for PrecisionRecall {
    fn update(&mut self, predictions: &[Classification], truths: &[Option<usize>]) {
        for (prediction, truth) in predictions.iter().zip(truths).filter(|(_, truth)| truth.is_some()) {
            let is_sound = !prediction.probabilities().iter().any(|probability| probability.is_nan());
            self.counts.add(prediction.best().filter(|_| is_sound), *truth);
        }
    }

    fn compute(&self) -> Vec<(String, f64)> {
        averages(&self.counts)
    }
}

impl Metric<Classification, Option<Vec<usize>>> for MultiLabelPrecisionRecall {
    fn update(&mut self, predictions: &[Classification], truths: &[Option<Vec<usize>>]) {
        for (prediction, truth) in predictions.iter().zip(truths) {
            let Some(truth) = truth else { continue };
            for class in 0..self.counts.classes() {
                let probability = prediction.probabilities().get(class);
                let is_told = probability.is_some_and(|&probability| probability >= self.threshold);
                self.counts.add(is_told.then_some(class), truth.contains(&class).then_some(class));
            }
        }
    }

    fn compute(&self) -> Vec<(String, f64)> {
        averages(&self.counts)
    }
}

impl Merge for PrecisionRecall {
    fn merge(&mut self, other: Self) {
        self.counts.merge(&other.counts);
    }
}

impl Merge for MultiLabelPrecisionRecall {
    fn merge(&mut self, other: Self) {
        assert_eq!(self.threshold, other.threshold, "tallies of other thresholds cannot be merged");
        self.counts.merge(&other.counts);
    }
}

fn averages(counts: &ClassCounts) -> Vec<(String, f64)> {
    type Figure = fn(Counts) -> f64;
    let figures: [(&str, Figure); 3] =
        [("precision", Counts::precision), ("recall", Counts::recall), ("f1", Counts::f1)];
    let total = counts.total();
    let micro = |figure: Figure| if total == Counts::default() { f64::NAN } else { figure(total) };
    let averages = figures.into_iter().flat_map(|(name, figure)| {
        [
            (format!("{name}_macro"), counts.mean(figure)),
            (format!("{name}_micro"), micro(figure)),
            (format!("{name}_weighted"), counts.weighted_mean(figure)),
        ]
    });
    averages.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_is_a_miss_and_nothing_is_nan() {
        let mut metric = PrecisionRecall::new(2);
        assert!(metric.compute().iter().all(|(_, figure)| figure.is_nan()));
        metric.update(&[Classification::new(vec![f32::NAN, 0.1])], &[Some(0)]);
        assert!(metric.compute().iter().all(|(_, figure)| *figure == 0.0));
    }

    #[test]
    #[should_panic(expected = "other classes")]
    fn other_classes_do_not_merge() {
        PrecisionRecall::new(2).merge(PrecisionRecall::new(3));
    }
}
