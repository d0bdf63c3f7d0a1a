//! A few operations drawn at random, all of one magnitude: two numbers instead of a search.
//!
//! # Source
//! Cubuk et al. 2019, <https://arxiv.org/abs/1909.13719>; the drawing is that of `RandAugment` in torchvision.

use mvl_core::{DataError, Sample};
use serde::{Deserialize, Serialize};

use super::strength::RAND_AUGMENT;
use crate::geometry::{Fill, Interpolation, Sampling};
use crate::transforms::{Draw, Transform};

/// The most operations an image goes through.
const MOST_OPS: usize = 64;
/// The most steps of a magnitude.
const MOST_BINS: usize = 1024;

/// Applies `num_ops` operations, each drawn from 14.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandAugment {
    /// How many operations; 2 unless said otherwise.
    pub num_ops: usize,
    /// The step of the magnitude, below `num_magnitude_bins`; 9 unless said otherwise.
    pub magnitude: usize,
    /// How many steps a magnitude has; 31 unless said otherwise.
    pub num_magnitude_bins: usize,
    /// How pixels are looked up that were moved; `nearest` unless said otherwise.
    pub interpolation: Interpolation,
    /// The colour of what was outside the image; black unless said otherwise.
    pub fill: Fill,
}

impl Default for RandAugment {
    fn default() -> Self {
        Self {
            num_ops: 2,
            magnitude: 9,
            num_magnitude_bins: 31,
            interpolation: Interpolation::default(),
            fill: Fill::default(),
        }
    }
}

impl Transform for RandAugment {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        let rng = draw.rng();
        let sampling = Sampling { interpolation: self.interpolation, fill: self.fill };
        let size = sample.image.size();
        for _ in 0..self.num_ops {
            let (op, strength) = RAND_AUGMENT[rng.below(RAND_AUGMENT.len())];
            let magnitude = strength.draw(self.magnitude, self.num_magnitude_bins, size, rng);
            sample = op.apply(sample, magnitude, sampling)?;
        }
        Ok(sample)
    }

    fn problems(&self) -> Vec<String> {
        let Self { num_ops, magnitude, num_magnitude_bins: bins, .. } = *self;
        let ops = (num_ops > MOST_OPS).then(|| format!("num_ops: expected at most {MOST_OPS}, got {num_ops}"));
        let step =
            (magnitude >= bins).then(|| format!("magnitude: expected less than the {bins} bins, got {magnitude}"));
        ops.into_iter().chain(step).chain(bins_problem(bins)).collect()
    }
}

/// Checks a number of steps.
pub(super) fn bins_problem(bins: usize) -> Option<String> {
    let proper = (2..=MOST_BINS).contains(&bins);
    (!proper).then(|| format!("num_magnitude_bins: expected 2 to {MOST_BINS}, got {bins}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named() {
        let wrong = RandAugment { num_ops: 65, magnitude: 1, num_magnitude_bins: 1, ..RandAugment::default() };
        assert_eq!(
            wrong.problems(),
            [
                "num_ops: expected at most 64, got 65",
                "magnitude: expected less than the 1 bins, got 1",
                "num_magnitude_bins: expected 2 to 1024, got 1"
            ]
        );
    }
}
