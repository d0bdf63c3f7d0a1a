//! Two images over each other, and their classes with the same shares.
//!
//! # Source
//! Zhang et al. 2017, <https://arxiv.org/abs/1710.09412>; `MixUp` of torchvision mixes within a batch, this one whole samples of
//! the data set, and it rounds to levels. Zhang et al. 2019 (<https://arxiv.org/abs/1902.04103>) keep the boxes of both images.

use mvl_core::{DataError, Sample};
use serde::{Deserialize, Serialize};

use super::alpha_problem;
use super::mixed_classes::mixed_classes;
use super::partner::partner_like;
use crate::ops::mix;
use crate::transforms::{Draw, Transform, probability_problem};

/// Mixes the image with another of the data set, which is resized to its size; the share is drawn from Beta(`alpha`, `alpha`).
///
/// Classes become [weights](mvl_core::Annotations::class_weights), the objects of both images are kept. Class maps cannot be mixed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MixUp {
    /// Above 0: small for shares near 0 and 1, 1 for all alike (unless said otherwise), large for halves.
    pub alpha: f64,
    /// Probability, 0 to 1; 1 unless said otherwise.
    pub p: f64,
}

impl Default for MixUp {
    fn default() -> Self {
        Self { alpha: 1.0, p: 1.0 }
    }
}

impl Transform for MixUp {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        if !draw.rng().chance(self.p) {
            return Ok(sample);
        }
        let share = draw.rng().beta(self.alpha, self.alpha);
        let partner = partner_like(&sample, draw)?;
        if sample.annotations.class_map.is_some() || partner.annotations.class_map.is_some() {
            let what = format!("mix_up cannot mix class maps, cut_mix can; {}", sample.source);
            return Err(DataError::invalid(what));
        }
        sample.image = mix(sample.image, &partner.image, share);
        let known = &mut sample.annotations;
        (known.label, known.class_weights) = mixed_classes(&[(&*known, share), (&partner.annotations, 1.0 - share)]);
        known.objects.extend(partner.annotations.objects);
        Ok(sample)
    }

    fn problems(&self) -> Vec<String> {
        alpha_problem(self.alpha).into_iter().chain(probability_problem(self.p)).collect()
    }
}
