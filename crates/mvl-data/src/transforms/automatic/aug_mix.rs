//! Several chains of operations mixed with each other and with the image.
//!
//! # Source
//! Hendrycks et al. 2019, <https://arxiv.org/abs/1912.02781>; the drawing is that of `AugMix` in torchvision.

use mvl_core::{DataError, Image, Sample};
use serde::{Deserialize, Serialize};

use super::strength::{AUG_MIX, AUG_MIX_PARTIAL};
use crate::geometry::{Fill, Interpolation, Sampling};
use crate::transforms::{Draw, Transform};

/// Steps of each magnitude.
const STEPS: usize = 10;
/// The longest chain when its length is drawn.
const DRAWN_DEPTH: usize = 3;
/// The most chains, and the longest.
const MOST: usize = 64;

/// Draws `mixture_width` chains of operations and mixes what they make with random weights. For classification: an image is mixed
/// with changes of itself, so samples with objects or a class map are refused.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AugMix {
    /// How many of the ten steps of a magnitude are drawn from, 1 to 10; 3 unless said otherwise.
    pub severity: usize,
    /// How many chains; 3 unless said otherwise.
    pub mixture_width: usize,
    /// How many operations a chain has; 0 draws 1 to 3 for each, and so it is unless said otherwise.
    pub chain_depth: usize,
    /// Above 0: how alike the weights are, 1 unless said otherwise.
    pub alpha: f64,
    /// Whether brightness, saturation, contrast and sharpness are among the operations; yes unless said otherwise.
    pub all_ops: bool,
    /// How pixels are looked up that were moved; `bilinear` unless said otherwise.
    pub interpolation: Interpolation,
    /// The colour of what was outside the image; black unless said otherwise.
    pub fill: Fill,
}

impl Default for AugMix {
    fn default() -> Self {
        Self {
            severity: 3,
            mixture_width: 3,
            chain_depth: 0,
            alpha: 1.0,
            all_ops: true,
            interpolation: Interpolation::Bilinear,
            fill: Fill::default(),
        }
    }
}

impl AugMix {
    /// The image after one chain of operations.
    fn chain(&self, image: &Image, draw: &mut Draw<'_>) -> Result<Image, DataError> {
        let rng = draw.rng();
        let sampling = Sampling { interpolation: self.interpolation, fill: self.fill };
        let ops = if self.all_ops { AUG_MIX } else { &AUG_MIX[..AUG_MIX_PARTIAL] };
        let depth = if self.chain_depth > 0 { self.chain_depth } else { 1 + rng.below(DRAWN_DEPTH) };
        let mut sample = Sample::new(image.clone(), "a chain of aug_mix");
        for _ in 0..depth {
            let (op, strength) = ops[rng.below(ops.len())];
            let step = rng.below(self.severity);
            let magnitude = strength.draw(step, STEPS, image.size(), rng);
            sample = op.apply(sample, magnitude, sampling)?;
        }
        Ok(sample.image)
    }
}

impl Transform for AugMix {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        if !sample.annotations.objects.is_empty() || sample.annotations.class_map.is_some() {
            let what = format!("aug_mix cannot mix objects or class maps; {}", sample.source);
            return Err(DataError::invalid(what));
        }
        let changed = draw.rng().beta(self.alpha, self.alpha);
        let weights = draw.rng().dirichlet(self.alpha, self.mixture_width);
        let mut sums: Vec<f32> = vec![0.0; sample.image.pixels().len()];
        add_weighted(&mut sums, &sample.image, 1.0 - changed);
        for weight in weights {
            add_weighted(&mut sums, &self.chain(&sample.image, draw)?, weight * changed);
        }
        for (level, sum) in sample.image.pixels_mut().iter_mut().zip(sums) {
            *level = sum as u8;
        }
        Ok(sample)
    }

    fn problems(&self) -> Vec<String> {
        let outside = |field, value: usize, least: usize, most: usize| {
            (!(least..=most).contains(&value)).then(|| format!("{field}: expected {least} to {most}, got {value}"))
        };
        let proper = self.alpha > 0.0 && self.alpha.is_finite();
        let alpha = (!proper).then(|| format!("alpha: expected a number above 0, got {}", self.alpha));
        outside("severity", self.severity, 1, STEPS)
            .into_iter()
            .chain(outside("mixture_width", self.mixture_width, 1, MOST))
            .chain(outside("chain_depth", self.chain_depth, 0, MOST))
            .chain(alpha)
            .collect()
    }
}

/// `sums += weight * image`.
fn add_weighted(sums: &mut [f32], image: &Image, weight: f64) {
    let weight = weight as f32;
    for (sum, &level) in sums.iter_mut().zip(image.pixels()) {
        *sum += weight * f32::from(level);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::apply_at;
    use mvl_core::{BoxXyxy, Channels, Object, SampleKey};

    fn ramp() -> Image {
        Image::new(16, 16, Channels::Gray, (0..=255).collect()).expect("256 bytes")
    }

    #[test]
    fn the_image_is_mixed_with_changes_of_it() {
        let mix = AugMix { alpha: 1e3, ..AugMix::default() };
        let images: Vec<Image> = (0..20).map(|index| apply_at(&mix, ramp(), index)).collect();
        let apart = |image: &Image| image.pixels().iter().zip(ramp().pixels()).filter(|(a, b)| a != b).count();
        assert!(images.iter().all(|image| apart(image) > 0), "about half of each is a change of it");
        let still = AugMix { severity: 1, chain_depth: 1, all_ops: false, ..AugMix::default() };
        // Of severity 1 only the first steps are drawn, at which most operations change nothing.
        let kept = (0..200).filter(|&index| {
            let near = |image: Image| image.pixels().iter().zip(ramp().pixels()).all(|(a, b)| a.abs_diff(*b) <= 1);
            near(apply_at(&still, ramp(), index))
        });
        assert!(kept.count() > 20);
    }

    #[test]
    fn objects_are_refused() {
        let mut sample = Sample::new(ramp(), "a.png");
        sample.annotations.objects = vec![Object::new(0, BoxXyxy::new(0.0, 0.0, 1.0, 1.0))];
        let error = AugMix::default().apply(sample, &mut Draw::alone(SampleKey::plain(0).rng(0)));
        let error = error.expect_err("an object cannot be mixed").to_string();
        assert_eq!(error, "aug_mix cannot mix objects or class maps; a.png");
    }

    #[test]
    fn every_problem_is_named() {
        let wrong = AugMix { severity: 0, mixture_width: 0, chain_depth: 65, alpha: 0.0, ..AugMix::default() };
        assert_eq!(
            wrong.problems(),
            [
                "severity: expected 1 to 10, got 0",
                "mixture_width: expected 1 to 64, got 0",
                "chain_depth: expected 0 to 64, got 65",
                "alpha: expected a number above 0, got 0"
            ]
        );
    }
}
