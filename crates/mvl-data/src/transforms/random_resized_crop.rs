//! A part of random area and aspect, brought to a fixed size: how ImageNet models are trained.
//!
//! # Source
//! Szegedy et al. 2014, <https://arxiv.org/abs/1409.4842>; the drawing is that of `RandomResizedCrop` in torchvision.

use mvl_core::{DataError, Filter, Sample, SampleRng};
use serde::{Deserialize, Serialize};

use super::{Draw, Lead, Transform, sides};
use crate::geometry::{ResizedCrop, move_sample};
use crate::ops::CropBox;

/// How often a box is drawn that may not fit, before the centre is taken.
const TRIES: usize = 10;

/// Cuts out a part that holds a random share of the area at a random aspect ratio, and resizes it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomResizedCrop {
    /// `[height, width]` that comes out, in pixels, or one number for a square.
    #[serde(deserialize_with = "sides::deserialize")]
    pub size: [u32; 2],
    /// The least and the largest share of the image's area.
    #[serde(default = "default_scale")]
    pub scale: [f64; 2],
    /// The least and the largest width divided by height.
    #[serde(default = "default_ratio")]
    pub ratio: [f64; 2],
    /// The resampling filter.
    #[serde(default)]
    pub filter: Filter,
}

fn default_scale() -> [f64; 2] {
    [0.08, 1.0]
}

fn default_ratio() -> [f64; 2] {
    [3.0 / 4.0, 4.0 / 3.0]
}

impl RandomResizedCrop {
    /// torchvision's defaults: 8 to 100 % of the area, aspect ratios from 3:4 to 4:3, bilinear.
    #[must_use]
    pub fn new(size: [u32; 2]) -> Self {
        Self { size, scale: default_scale(), ratio: default_ratio(), filter: Filter::default() }
    }

    /// Where to cut in an image of `[height, width]`.
    #[must_use]
    pub fn draw(&self, [height, width]: [u32; 2], rng: &mut SampleRng) -> CropBox {
        let area = f64::from(height) * f64::from(width);
        let [low, high] = self.ratio.map(f64::ln);
        for _ in 0..TRIES {
            let target = area * rng.between(self.scale[0], self.scale[1]);
            let aspect = rng.between(low, high).exp();
            let cut_width = (target * aspect).sqrt().round_ties_even() as u32;
            let cut_height = (target / aspect).sqrt().round_ties_even() as u32;
            if (1..=width).contains(&cut_width) && (1..=height).contains(&cut_height) {
                let top = rng.below((height - cut_height) as usize + 1) as u32;
                let left = rng.below((width - cut_width) as usize + 1) as u32;
                return CropBox { top, left, height: cut_height, width: cut_width };
            }
        }
        self.centre(height, width)
    }

    /// The largest centred box with an allowed aspect ratio.
    fn centre(&self, height: u32, width: u32) -> CropBox {
        let aspect = f64::from(width) / f64::from(height);
        let rounded = |side: f64, most: u32| (side.round_ties_even() as u32).clamp(1, most);
        let [least, largest] = self.ratio;
        let (cut_height, cut_width) = if aspect < least {
            (rounded(f64::from(width) / least, height), width)
        } else if aspect > largest {
            (height, rounded(f64::from(height) * largest, width))
        } else {
            (height, width)
        };
        CropBox { top: (height - cut_height) / 2, left: (width - cut_width) / 2, height: cut_height, width: cut_width }
    }
}

impl Transform for RandomResizedCrop {
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        let image = sample.image.size();
        let area = self.draw(image, draw.rng());
        move_sample(sample, &ResizedCrop::new(image, area, self.size, self.filter))
    }

    fn lead(&self, image: [u32; 2], draw: &mut Draw<'_>) -> Option<Lead> {
        Some(Lead::Cut { area: self.draw(image, draw.rng()), size: self.size, filter: self.filter })
    }

    fn output_size(&self, _input: Option<[u32; 2]>) -> Option<[u32; 2]> {
        Some(self.size)
    }

    fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = sides::problem(self.size).into_iter().collect();
        let [low, high] = self.scale;
        if !(low > 0.0 && low <= high && high <= 1.0) {
            problems.push(format!("scale: expected 0 < least <= largest <= 1, got {:?}", self.scale));
        }
        let [low, high] = self.ratio;
        if !(low > 0.0 && low <= high && high.is_finite()) {
            problems.push(format!("ratio: expected 0 < least <= largest, got {:?}", self.ratio));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::apply_at;
    use mvl_core::{Channels, Image, SampleKey};

    #[test]
    fn boxes_keep_to_their_bounds() {
        let transform = RandomResizedCrop::new([8, 8]);
        let mut areas = Vec::new();
        for index in 0..500 {
            let area = transform.draw([90, 120], &mut SampleKey::plain(index).rng(0));
            assert!(area.fits(90, 120), "{area:?}");
            let aspect = f64::from(area.width) / f64::from(area.height);
            assert!((0.7..1.4).contains(&aspect), "{area:?}");
            areas.push(f64::from(area.width * area.height) / (90.0 * 120.0));
        }
        let mean = areas.iter().sum::<f64>() / 500.0;
        assert!((0.40..0.54).contains(&mean), "uniform from 0.08 to 1, less the large ones that do not fit: {mean}");
        assert!(areas.iter().all(|share| (0.075..=1.0).contains(share)));
    }

    #[test]
    fn a_thin_image_falls_back_to_its_centre() {
        let transform = RandomResizedCrop { scale: [0.9, 1.0], ..RandomResizedCrop::new([4, 4]) };
        let area = transform.draw([3, 100], &mut SampleKey::plain(0).rng(0));
        assert_eq!(area, CropBox { top: 0, left: 48, height: 3, width: 4 });
        let area = transform.draw([100, 3], &mut SampleKey::plain(0).rng(0));
        assert_eq!(area, CropBox { top: 48, left: 0, height: 4, width: 3 });
    }

    #[test]
    fn the_size_is_always_the_same() {
        let transform = RandomResizedCrop::new([5, 7]);
        for (width, height) in [(1, 1), (9, 2), (30, 40)] {
            let image = Image::new(width, height, Channels::Gray, vec![1; (width * height) as usize]).expect("filled");
            let out = apply_at(&transform, image, 3);
            assert_eq!((out.height(), out.width()), (5, 7));
        }
    }
}
