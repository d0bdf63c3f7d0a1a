//! One operation of random magnitude: nothing to tune.
//!
//! # Source
//! Müller and Hutter 2021, <https://arxiv.org/abs/2103.10158>; the drawing is that of `TrivialAugmentWide` in torchvision.

use mvl_core::{DataError, Sample};
use serde::{Deserialize, Serialize};

use super::rand_augment::bins_problem;
use super::strength::TRIVIAL_AUGMENT_WIDE;
use crate::geometry::{Fill, Interpolation, Sampling};
use crate::transforms::{Draw, Transform};

/// Applies one of 14 operations, with one of `num_magnitude_bins` magnitudes from a wide range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrivialAugmentWide {
    /// How many steps a magnitude has; 31 unless said otherwise.
    pub num_magnitude_bins: usize,
    /// How pixels are looked up that were moved; `nearest` unless said otherwise.
    pub interpolation: Interpolation,
    /// The colour of what was outside the image; black unless said otherwise.
    pub fill: Fill,
}

impl Default for TrivialAugmentWide {
    fn default() -> Self {
        Self { num_magnitude_bins: 31, interpolation: Interpolation::default(), fill: Fill::default() }
    }
}

impl Transform for TrivialAugmentWide {
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        let rng = draw.rng();
        let size = sample.image.size();
        let (op, strength) = TRIVIAL_AUGMENT_WIDE[rng.below(TRIVIAL_AUGMENT_WIDE.len())];
        let step = rng.below(self.num_magnitude_bins);
        let magnitude = strength.draw(step, self.num_magnitude_bins, size, rng);
        op.apply(sample, magnitude, Sampling { interpolation: self.interpolation, fill: self.fill })
    }

    fn problems(&self) -> Vec<String> {
        bins_problem(self.num_magnitude_bins).into_iter().collect()
    }
}
