//! Which class was taken for which.

use serde::Serialize;

use super::{Metric, MetricDetail};
use crate::Classification;

/// Counts by true class (row) and predicted class (column).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfusionMatrix {
    classes: usize,
    counts: Vec<u64>,
}

impl ConfusionMatrix {
    /// An empty matrix for this many classes.
    pub fn new(classes: usize) -> Self {
        Self { classes, counts: vec![0; classes * classes] }
    }

    /// Adds one sample; classes past the end are ignored.
    pub fn add(&mut self, truth: usize, predicted: usize) {
        if truth < self.classes && predicted < self.classes {
            self.counts[truth * self.classes + predicted] += 1;
        }
    }

    /// How often class `truth` was taken for `predicted`.
    ///
    /// # Panics
    /// If either is not below [`classes`](Self::classes).
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        assert!(predicted < self.classes, "class {predicted} of {}", self.classes);
        self.counts[truth * self.classes + predicted]
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Samples seen.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Share of samples on the diagonal.
    pub fn accuracy(&self) -> f64 {
        let right: u64 = (0..self.classes).map(|class| self.count(class, class)).sum();
        right as f64 / self.total() as f64
    }

    /// Share of a true class that was found; not a number for a class without samples.
    ///
    /// # Panics
    /// If `class` is not below [`classes`](Self::classes).
    pub fn recall(&self, class: usize) -> f64 {
        let row: u64 = (0..self.classes).map(|predicted| self.count(class, predicted)).sum();
        self.count(class, class) as f64 / row as f64
    }

    /// Share of a predicted class that was right; not a number for a class never predicted.
    ///
    /// # Panics
    /// If `class` is not below [`classes`](Self::classes).
    pub fn precision(&self, class: usize) -> f64 {
        let column: u64 = (0..self.classes).map(|truth| self.count(truth, class)).sum();
        self.count(class, class) as f64 / column as f64
    }
}

impl Metric<Classification, Option<usize>> for ConfusionMatrix {
    fn update(&mut self, predictions: &[Classification], truths: &[Option<usize>]) {
        for (prediction, truth) in predictions.iter().zip(truths) {
            if let (Some(truth), Some(best)) = (*truth, prediction.best()) {
                self.add(truth, best);
            }
        }
    }

    fn compute(&self) -> Vec<(String, f64)> {
        vec![("accuracy".to_owned(), self.accuracy())]
    }
}

/// A [`ConfusionMatrix`] that knows the names of its classes: `accuracy` as its figure, the whole matrix as its detail.
#[derive(Debug, Clone)]
pub struct LabelledConfusion {
    labels: Vec<String>,
    matrix: ConfusionMatrix,
}

impl LabelledConfusion {
    /// An empty matrix for these classes.
    pub fn new(labels: Vec<String>) -> Self {
        Self { matrix: ConfusionMatrix::new(labels.len()), labels }
    }
}

impl Metric<Classification, Option<usize>> for LabelledConfusion {
    fn update(&mut self, predictions: &[Classification], truths: &[Option<usize>]) {
        self.matrix.update(predictions, truths);
    }

    fn compute(&self) -> Vec<(String, f64)> {
        self.matrix.compute()
    }

    fn detail(&self) -> Option<MetricDetail> {
        Some(MetricDetail::ConfusionMatrix { labels: self.labels.clone(), matrix: self.matrix.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_truth() {
        let mut matrix = ConfusionMatrix::new(2);
        for (truth, predicted) in [(0, 0), (0, 1), (1, 1), (1, 1)] {
            matrix.add(truth, predicted);
        }
        assert_eq!((matrix.count(0, 1), matrix.count(1, 0)), (1, 0));
        assert_eq!((matrix.recall(0), matrix.precision(1), matrix.accuracy()), (0.5, 2.0 / 3.0, 0.75));
    }
}
