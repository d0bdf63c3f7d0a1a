//! The colour changes of SSD's training: each of them now and then, and channels swapped.
//!
//! # Source
//! Liu et al. 2015, <https://arxiv.org/abs/1512.02325>; the drawing is that of `RandomPhotometricDistort` in torchvision.

use mvl_core::{DataError, Sample};
use serde::{Deserialize, Serialize};

use super::random_channel_permutation::permutation;
use super::{Draw, Transform, factor_range, probability_problem};
use crate::ops::{adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation, permute_channels};

/// Brightness, contrast, saturation, hue and order of the channels, each changed with probability `p`; the contrast before the
/// saturation or after the hue. Ranges in a file are as for [`ColorJitter`](super::ColorJitter).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomPhotometricDistort {
    /// Of the factor for the brightness; 0.875 to 1.125 unless said otherwise.
    #[serde(deserialize_with = "factor_range::around_one")]
    pub brightness: [f64; 2],
    /// Of the factor for the contrast; 0.5 to 1.5 unless said otherwise.
    #[serde(deserialize_with = "factor_range::around_one")]
    pub contrast: [f64; 2],
    /// Of the factor for the saturation; 0.5 to 1.5 unless said otherwise.
    #[serde(deserialize_with = "factor_range::around_one")]
    pub saturation: [f64; 2],
    /// Of the turn of the colour wheel; -0.05 to 0.05 unless said otherwise.
    #[serde(deserialize_with = "factor_range::around_zero")]
    pub hue: [f64; 2],
    /// Probability of each change, 0 to 1; 0.5 unless said otherwise.
    pub p: f64,
}

impl Default for RandomPhotometricDistort {
    fn default() -> Self {
        Self { brightness: [0.875, 1.125], contrast: [0.5, 1.5], saturation: [0.5, 1.5], hue: [-0.05, 0.05], p: 0.5 }
    }
}

impl Transform for RandomPhotometricDistort {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        let rng = draw.rng();
        let ranges = [self.brightness, self.contrast, self.saturation, self.hue];
        let [brightness, contrast, saturation, hue] =
            ranges.map(|[least, largest]| rng.chance(self.p).then(|| rng.between(least, largest)));
        let contrast_first = rng.chance(0.5);
        let channels = rng.chance(self.p).then(|| permutation(rng));

        let mut image = sample.image;
        if let Some(factor) = brightness {
            image = adjust_brightness(image, factor);
        }
        if let Some(factor) = contrast.filter(|_| contrast_first) {
            image = adjust_contrast(image, factor);
        }
        if let Some(factor) = saturation {
            image = adjust_saturation(image, factor);
        }
        if let Some(turns) = hue {
            image = adjust_hue(image, turns);
        }
        if let Some(factor) = contrast.filter(|_| !contrast_first) {
            image = adjust_contrast(image, factor);
        }
        if let Some(order) = channels {
            image = permute_channels(image, order);
        }
        sample.image = image;
        Ok(sample)
    }

    fn problems(&self) -> Vec<String> {
        let factors = [("brightness", self.brightness), ("contrast", self.contrast), ("saturation", self.saturation)];
        let factors = factors.into_iter().filter_map(|(field, range)| factor_range::factor_problem(field, range));
        factors.chain(factor_range::hue_problem(self.hue)).chain(probability_problem(self.p)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::apply_at;
    use mvl_core::{Channels, Image};

    #[test]
    fn each_change_comes_now_and_then() {
        let image = Image::new(2, 1, Channels::Rgb, vec![200, 100, 50, 10, 20, 30]).expect("two pixels");
        let still = (0..2000).filter(|&index| {
            let distort = RandomPhotometricDistort::default();
            apply_at(&distort, image.clone(), index) == image
        });
        // five changes that each stay away half of the time, and a permutation that is none for one time of six: 3.6 %
        let still = still.count();
        assert!((50..100).contains(&still), "{still} of 2000");
        let never = RandomPhotometricDistort { p: 0.0, ..RandomPhotometricDistort::default() };
        assert_eq!(apply_at(&never, image.clone(), 0), image);
    }
}
