//! Pairs of operations that a search found to help.
//!
//! # Source
//! Cubuk et al. 2018, <https://arxiv.org/abs/1805.09501>; the drawing is that of `AutoAugment` in torchvision.

use mvl_core::{DataError, Sample};
use serde::{Deserialize, Serialize};

use super::AutoAugmentPolicy;
use super::strength::{AUTO_AUGMENT, Strength};
use crate::geometry::{Fill, Interpolation, Sampling};
use crate::transforms::{Draw, Transform};

/// Steps of each magnitude.
const STEPS: usize = 10;

/// Draws one of the policy's pairs and applies each of its two operations with its own probability.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AutoAugment {
    /// `imagenet` unless said otherwise, `cifar10` or `svhn`.
    pub policy: AutoAugmentPolicy,
    /// How pixels are looked up that were moved; `nearest` unless said otherwise.
    pub interpolation: Interpolation,
    /// The colour of what was outside the image; black unless said otherwise.
    pub fill: Fill,
}

impl Transform for AutoAugment {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        let rng = draw.rng();
        let sampling = Sampling { interpolation: self.interpolation, fill: self.fill };
        let size = sample.image.size();
        let pairs = self.policy.pairs();
        for (op, probability, step) in pairs[rng.below(pairs.len())] {
            if !rng.chance(probability) {
                continue;
            }
            let strength = AUTO_AUGMENT.iter().find(|(known, _)| *known == op).map_or(Strength::None, |row| row.1);
            let magnitude = strength.draw(step.unwrap_or(0), STEPS, size, rng);
            sample = op.apply(sample, magnitude, sampling)?;
        }
        Ok(sample)
    }
}
