//! A rectangle painted over now and then, so that a model learns from all parts of a thing.
//!
//! # Source
//! Zhong et al. 2017, <https://arxiv.org/abs/1708.04896>; the drawing is that of `RandomErasing` in torchvision. It works on levels,
//! before they are normalised: `random` draws each from 0 to 255 alike, as the paper does, where torchvision draws normalised
//! values from a normal distribution.

use mvl_core::{DataError, Sample, SampleRng};
use serde::{Deserialize, Serialize};

use super::{Draw, Transform, probability_problem};
use crate::geometry::Fill;
use crate::ops::{CropBox, erase};

/// How often a rectangle is drawn that may not fit, before the image is left alone.
const TRIES: usize = 10;

/// Paints a rectangle of random area and aspect over with probability `p`. Boxes, masks and keypoints stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomErasing {
    /// Probability, 0 to 1; 0.5 unless said otherwise.
    pub p: f64,
    /// The least and the largest share of the image's area; 0.02 to 0.33 unless said otherwise.
    pub scale: [f64; 2],
    /// The least and the largest height divided by width; 0.3 to 3.3 unless said otherwise.
    pub ratio: [f64; 2],
    /// What is painted; black unless said otherwise.
    pub value: ErasingValue,
}

/// What stands where something was erased: `{"fill": [124, 116, 104]}`, or `"random"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErasingValue {
    /// One colour.
    Fill(Fill),
    /// A level for each channel of each pixel, drawn from 0 to 255.
    Random,
}

impl Default for RandomErasing {
    fn default() -> Self {
        Self { p: 0.5, scale: [0.02, 0.33], ratio: [0.3, 3.3], value: ErasingValue::Fill(Fill::default()) }
    }
}

impl RandomErasing {
    /// Where to paint; `None` when no rectangle fits.
    fn draw(&self, height: u32, width: u32, rng: &mut SampleRng) -> Option<CropBox> {
        let area = f64::from(height) * f64::from(width);
        let [low, high] = self.ratio.map(f64::ln);
        (0..TRIES).find_map(|_| {
            let erased = area * rng.between(self.scale[0], self.scale[1]);
            let aspect = rng.between(low, high).exp();
            let tall = (erased * aspect).sqrt().round_ties_even() as u32;
            let wide = (erased / aspect).sqrt().round_ties_even() as u32;
            let fits = (1..height).contains(&tall) && (1..width).contains(&wide);
            fits.then(|| CropBox {
                top: rng.below((height - tall) as usize + 1) as u32,
                left: rng.below((width - wide) as usize + 1) as u32,
                height: tall,
                width: wide,
            })
        })
    }
}

impl Transform for RandomErasing {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        let rng = draw.rng();
        if !rng.chance(self.p) {
            return Ok(sample);
        }
        if let Some(area) = self.draw(sample.image.height(), sample.image.width(), rng) {
            sample.image = match self.value {
                ErasingValue::Fill(fill) => {
                    let levels = fill.levels(sample.image.channels());
                    erase(sample.image, area, |channel| levels[channel])
                }
                ErasingValue::Random => erase(sample.image, area, |_| (rng.next_u64() >> 56) as u8),
            };
        }
        Ok(sample)
    }

    fn problems(&self) -> Vec<String> {
        let [least, largest] = self.scale;
        let proper = 0.0 <= least && least <= largest && largest <= 1.0;
        let scale = (!proper).then(|| format!("scale: expected 0 <= least <= largest <= 1, got {:?}", self.scale));
        let [least, largest] = self.ratio;
        let proper = 0.0 < least && least <= largest && largest.is_finite();
        let ratio = (!proper).then(|| format!("ratio: expected 0 < least <= largest, got {:?}", self.ratio));
        probability_problem(self.p).into_iter().chain(scale).chain(ratio).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::apply_at;
    use mvl_core::{Channels, Image, SampleKey};

    fn white() -> Image {
        Image::new(40, 30, Channels::Gray, vec![255; 1200]).expect("1200 bytes")
    }

    #[test]
    fn rectangles_keep_to_their_bounds() {
        let erasing = RandomErasing::default();
        for index in 0..500 {
            let area = erasing.draw(90, 120, &mut SampleKey::plain(index).rng(0)).expect("one of ten fits");
            assert!(area.fits(90, 120), "{area:?}");
            let share = f64::from(area.width * area.height) / (90.0 * 120.0);
            assert!((0.018..0.34).contains(&share), "{area:?}");
        }
        assert_eq!(erasing.draw(1, 1, &mut SampleKey::plain(0).rng(0)), None);
    }

    #[test]
    fn half_of_the_images_lose_a_part() {
        let erased = |&index: &usize| apply_at(&RandomErasing::default(), white(), index) != white();
        let count = (0..1000).filter(erased).count();
        assert!((450..550).contains(&count), "{count} of 1000");
    }

    #[test]
    fn random_levels_are_all_of_them() {
        let value = ErasingValue::Random;
        let erasing = RandomErasing { p: 1.0, scale: [0.3, 0.3], value, ..RandomErasing::default() };
        let seen: std::collections::BTreeSet<u8> =
            (0..20).flat_map(|index| apply_at(&erasing, white(), index).into_pixels()).collect();
        assert_eq!(seen.len(), 256);
    }
}
