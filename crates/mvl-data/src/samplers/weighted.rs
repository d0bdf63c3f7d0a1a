//! Items drawn by weight, with replacement: torch's `WeightedRandomSampler`.

use mvl_core::{DataError, Pick, Sampler, sampler_rng};

use super::count_repeats;

/// Draws every place of an epoch anew, each item with a probability in proportion to its weight.
///
/// An item may come several times an epoch, each time augmented otherwise, or not at all. To give every class the same share,
/// [`ClassBalanced`](super::ClassBalanced) is exact where this is so on average.
///
/// # Example
/// ```
/// use mvl_core::Sampler;
/// let sampler = mvl_data::Weighted::new(&[0.0, 1.0], 3)?;
/// assert!(sampler.picks(7, 0).iter().all(|pick| pick.index == 1));
/// # Ok::<(), mvl_core::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Weighted {
    /// At each item the sum of the weights up to it, its own included.
    sums: Vec<f64>,
    /// The last item that can be drawn.
    last: usize,
    samples: usize,
}

impl Weighted {
    /// A weight for each item, and how many samples an epoch has.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when a weight is negative or not finite, no weight is above 0, or their sum is not finite.
    pub fn new(weights: &[f64], samples: usize) -> Result<Self, DataError> {
        if let Some((index, weight)) =
            weights.iter().enumerate().find(|(_, weight)| !(0.0..f64::INFINITY).contains(*weight))
        {
            let what = format!("expected weights of at least 0, got {weight} at index {index}");
            return Err(DataError::invalid(what));
        }
        let Some(last) = weights.iter().rposition(|&weight| weight > 0.0) else {
            return Err(DataError::invalid(format!("expected a weight above 0, got none among {}", weights.len())));
        };
        let add = |sum: &mut f64, &weight: &f64| {
            *sum += weight;
            Some(*sum)
        };
        let sums: Vec<f64> = weights.iter().scan(0.0, add).collect();
        if !sums[last].is_finite() {
            return Err(DataError::invalid("the weights add up to more than a number can be; make them smaller"));
        }
        Ok(Self { sums, last, samples })
    }
}

impl Sampler for Weighted {
    fn len(&self) -> usize {
        self.samples
    }

    fn picks(&self, seed: u64, epoch: usize) -> Vec<Pick> {
        let mut rng = sampler_rng(seed, epoch);
        let total = self.sums[self.last];
        count_repeats((0..self.samples).map(|_| {
            let drawn = rng.unit() * total;
            // An item without weight has the sum of the one before it, so it is never the first above.
            self.sums.partition_point(|&sum| sum <= drawn).min(self.last)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_of_the_weights() {
        let sampler = Weighted::new(&[1.0, 0.0, 3.0, 4.0, 0.0], 40_000).expect("good weights");
        let mut counts = [0; 5];
        sampler.picks(3, 1).iter().for_each(|pick| counts[pick.index] += 1);
        // Four standard deviations of 40,000 draws are at most 400.
        for (count, expected) in counts.into_iter().zip([5_000_i32, 0, 15_000, 20_000, 0]) {
            assert!((count - expected).abs() <= if expected == 0 { 0 } else { 400 }, "{counts:?}");
        }
    }

    #[test]
    fn what_is_no_weight_is_refused() {
        let message = |weights: &[f64]| Weighted::new(weights, 1).expect_err("no weights").to_string();
        assert_eq!(message(&[1.0, -1.0]), "expected weights of at least 0, got -1 at index 1");
        assert_eq!(message(&[f64::NAN]), "expected weights of at least 0, got NaN at index 0");
        assert_eq!(message(&[0.0, 0.0]), "expected a weight above 0, got none among 2");
        assert!(message(&[f64::MAX, f64::MAX]).starts_with("the weights add up to more"));
    }
}
