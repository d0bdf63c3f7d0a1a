//! How many numbers lie where.

use serde::{Deserialize, Serialize};

/// Counts of numbers in buckets of one width between the smallest and the largest.
///
/// # Example
/// ```
/// use mvl_core::Histogram;
/// let histogram = Histogram::of(&[0.0, 1.0, 2.0, 4.0, f32::NAN], 2);
/// assert_eq!((histogram.limits(), histogram.counts.as_slice()), (vec![2.0, 4.0], &[2, 2][..]));
/// assert_eq!((histogram.count, histogram.not_finite), (4, 1));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// The smallest number; 0 when there is none.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// How many numbers were counted.
    pub count: u64,
    /// How many were left out, because they are NaN or infinite.
    pub not_finite: u64,
    /// Their sum.
    pub sum: f64,
    /// The sum of their squares.
    pub sum_of_squares: f64,
    /// How many lie in each bucket; a number between two buckets is in the upper one, the largest in the last.
    pub counts: Vec<u64>,
}

impl Histogram {
    /// Counts the numbers in so many buckets, one at least.
    #[must_use]
    pub fn of(values: &[f32], buckets: usize) -> Self {
        let finite = || values.iter().copied().filter(|value| value.is_finite()).map(f64::from);
        let (mut min, mut max) =
            finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), value| (min.min(value), max.max(value)));
        let count = finite().count() as u64;
        if count == 0 {
            (min, max) = (0.0, 0.0);
        }
        let mut counts = vec![0; buckets.max(1)];
        let width = (max - min) / counts.len() as f64;
        let last = counts.len() - 1;
        let (mut sum, mut sum_of_squares) = (0.0, 0.0);
        for value in finite() {
            let bucket = if width > 0.0 { ((value - min) / width) as usize } else { 0 };
            counts[bucket.min(last)] += 1;
            sum += value;
            sum_of_squares += value * value;
        }
        Self { min, max, count, not_finite: values.len() as u64 - count, sum, sum_of_squares, counts }
    }

    /// The upper limit of each bucket.
    #[must_use]
    pub fn limits(&self) -> Vec<f64> {
        let width = (self.max - self.min) / self.counts.len() as f64;
        let inner = (1..self.counts.len()).map(|bucket| self.min + width * bucket as f64);
        inner.chain([self.max]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_in_a_bucket() {
        let values: Vec<f32> = (0..1000).map(|n| ((n as f32) * 0.37).sin()).collect();
        let histogram = Histogram::of(&values, 30);
        assert_eq!(histogram.counts.iter().sum::<u64>(), 1000);
        assert_eq!((histogram.limits().len(), histogram.limits()[29]), (30, histogram.max));
        let squares: f64 = values.iter().map(|value| f64::from(*value).powi(2)).sum();
        assert!((histogram.sum_of_squares - squares).abs() < 1e-9);
    }

    #[test]
    fn equal_numbers_and_none_have_one_bucket() {
        assert_eq!(Histogram::of(&[2.0; 5], 3).counts, [5, 0, 0]);
        let nothing = Histogram::of(&[f32::INFINITY], 3);
        assert_eq!((nothing.counts, nothing.min, nothing.not_finite), (vec![0, 0, 0], 0.0, 1));
    }
}
