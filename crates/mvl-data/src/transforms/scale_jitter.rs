//! The image at a random scale, its aspect ratio kept.
//!
//! # Source
//! Ghiasi et al. 2020, <https://arxiv.org/abs/2012.07177>; `ScaleJitter` of torchvision, whose `target_size` is width and height.

use mvl_core::{DataError, Filter, MAX_SIDE_PX, Sample, SampleRng};
use serde::{Deserialize, Serialize};

use super::{Draw, Transform, range_problem, sides};
use crate::geometry::{Rescale, move_sample};

/// The least and the largest scale that a config may ask for.
const SCALES: std::ops::RangeInclusive<f64> = 1e-3..=100.0;

/// Resizes so that the image would just fit into `size`, times a random scale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaleJitter {
    /// `[height, width]` into which the image fits at scale 1, in pixels, or one number for a square.
    #[serde(deserialize_with = "sides::deserialize")]
    pub size: [u32; 2],
    /// The least and the largest scale; 0.1 to 2 unless said otherwise.
    #[serde(default = "default_scale")]
    pub scale: [f64; 2],
    /// The resampling filter.
    #[serde(default)]
    pub filter: Filter,
}

fn default_scale() -> [f64; 2] {
    [0.1, 2.0]
}

impl ScaleJitter {
    /// The size to which an image of `[height, width]` is brought: a pixel at least, and [`MAX_SIDE_PX`] at most.
    #[must_use]
    pub fn draw(&self, image: [u32; 2], rng: &mut SampleRng) -> Rescale {
        let [height, width] = image.map(f64::from);
        let fitting = (f64::from(self.size[0]) / height).min(f64::from(self.size[1]) / width);
        let ratio = fitting * rng.between(self.scale[0], self.scale[1]);
        let size = [height, width].map(|side| ((side * ratio) as u32).clamp(1, MAX_SIDE_PX));
        Rescale::new(image, size, self.filter)
    }
}

impl Transform for ScaleJitter {
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        let rescale = self.draw(sample.image.size(), draw.rng());
        move_sample(sample, &rescale)
    }

    fn output_size(&self, _input: Option<[u32; 2]>) -> Option<[u32; 2]> {
        None
    }

    fn problems(&self) -> Vec<String> {
        sides::problem(self.size).into_iter().chain(range_problem("scale", self.scale, SCALES)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Geometry;
    use mvl_core::SampleKey;

    #[test]
    fn at_scale_one_the_image_just_fits() {
        let jitter = ScaleJitter { size: [50, 60], scale: [1.0, 1.0], filter: Filter::Bilinear };
        let size = |image| jitter.draw(image, &mut SampleKey::plain(0).rng(0)).output_size();
        assert_eq!(size([100, 100]), [50, 50]);
        assert_eq!(size([10, 40]), [15, 60]);
        assert_eq!(size([16_384, 1]), [50, 1]);
    }
}
