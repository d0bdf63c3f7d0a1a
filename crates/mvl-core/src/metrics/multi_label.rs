//! Figures for images with any number of classes: each class is a question of its own.

use super::Metric;
use crate::Classification;

/// The probability from which a class counts as seen.
const THRESHOLD: f32 = 0.5;

/// `exact_match`, the share of samples whose classes were all told right; `f1`, the harmonic mean of precision and recall over all
/// classes of all samples (micro-averaged). A class counts as told from a probability of one half on. Samples whose classes
/// are not known do not count.
#[derive(Debug, Clone, Default)]
pub struct MultiLabelAccuracy {
    samples: u64,
    exact: u64,
    right: u64,
    told: u64,
    true_classes: u64,
}

impl MultiLabelAccuracy {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Metric<Classification, Option<Vec<usize>>> for MultiLabelAccuracy {
    fn update(&mut self, predictions: &[Classification], truths: &[Option<Vec<usize>>]) {
        for (prediction, truth) in predictions.iter().zip(truths) {
            let Some(truth) = truth else { continue };
            let mut wrong = 0;
            for (class, &probability) in prediction.probabilities().iter().enumerate() {
                let (told, is_true) = (probability >= THRESHOLD, truth.contains(&class));
                self.told += u64::from(told);
                self.true_classes += u64::from(is_true);
                self.right += u64::from(told && is_true);
                wrong += u64::from(told != is_true);
            }
            self.samples += 1;
            self.exact += u64::from(wrong == 0);
        }
    }

    fn compute(&self) -> Vec<(String, f64)> {
        let f1 = 2.0 * self.right as f64 / (self.told + self.true_classes) as f64;
        vec![("exact_match".to_owned(), self.exact as f64 / self.samples as f64), ("f1".to_owned(), f1)]
    }
}

/// `mean_average_precision`: for every class, samples are ranked by its probability, and the precision at each sample that has it is
/// averaged (scikit-learn's `average_precision_score`, equal probabilities taken together); then the mean over the classes that
/// some sample has. Samples whose classes are not known do not count.
///
/// Keeps all probabilities of a pass: four bytes a class and sample.
#[derive(Debug, Clone, Default)]
pub struct MultiLabelMeanPrecision {
    samples: Vec<(Vec<f32>, Vec<usize>)>,
}

impl MultiLabelMeanPrecision {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The average precision of one class; `None` when no sample has it.
    fn of_class(&self, class: usize) -> Option<f64> {
        let scored = self.samples.iter().filter_map(|(probabilities, truth)| {
            probabilities.get(class).map(|&probability| (probability, truth.contains(&class)))
        });
        let mut ranked: Vec<(f32, bool)> = scored.collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let positives = ranked.iter().filter(|(_, is_true)| *is_true).count();
        if positives == 0 {
            return None;
        }
        let (mut seen, mut found, mut sum) = (0usize, 0usize, 0.0);
        for equals in ranked.chunk_by(|a, b| a.0 == b.0) {
            let newly_found = equals.iter().filter(|(_, is_true)| *is_true).count();
            seen += equals.len();
            found += newly_found;
            sum += newly_found as f64 * found as f64 / seen as f64;
        }
        Some(sum / positives as f64)
    }
}

impl Metric<Classification, Option<Vec<usize>>> for MultiLabelMeanPrecision {
    fn update(&mut self, predictions: &[Classification], truths: &[Option<Vec<usize>>]) {
        for (prediction, truth) in predictions.iter().zip(truths) {
            let Some(truth) = truth else { continue };
            self.samples.push((prediction.probabilities().to_vec(), truth.clone()));
        }
    }

    fn compute(&self) -> Vec<(String, f64)> {
        let classes = self.samples.iter().map(|(probabilities, _)| probabilities.len()).max().unwrap_or(0);
        let precisions: Vec<f64> = (0..classes).filter_map(|class| self.of_class(class)).collect();
        let mean = precisions.iter().sum::<f64>() / precisions.len() as f64;
        vec![("mean_average_precision".to_owned(), mean)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predictions() -> Vec<Classification> {
        [[0.9, 0.2], [0.6, 0.7], [0.4, 0.7], [0.1, 0.1]].map(|row| Classification::new(row.to_vec())).to_vec()
    }

    fn truths() -> Vec<Option<Vec<usize>>> {
        vec![Some(vec![0]), Some(vec![1]), Some(vec![0, 1]), None]
    }

    #[test]
    fn every_class_of_every_sample_counts() {
        let mut metric = MultiLabelAccuracy::new();
        metric.update(&predictions(), &truths());
        // told: 0; 0 and 1; 1. True: 0; 1; 0 and 1. Both: 0; 1; 1
        assert_eq!(metric.compute(), [("exact_match".to_owned(), 1.0 / 3.0), ("f1".to_owned(), 6.0 / 8.0)]);
    }

    #[test]
    fn precision_is_averaged_over_ranks_then_classes() {
        let mut metric = MultiLabelMeanPrecision::new();
        metric.update(&predictions(), &truths());
        // class 0 is right at ranks 1 and 3: (1 + 2/3) / 2; class 1 is right at two equal ranks: 1
        let (_, value) = metric.compute().remove(0);
        assert!((value - (5.0 / 6.0 + 1.0) / 2.0).abs() < 1e-12, "{value}");
    }

    #[test]
    fn without_samples_nothing_is_said() {
        assert!(MultiLabelMeanPrecision::new().compute()[0].1.is_nan());
        assert!(MultiLabelAccuracy::new().compute().iter().all(|(_, value)| value.is_nan()));
    }
}
