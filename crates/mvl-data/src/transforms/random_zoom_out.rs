//! The image small on a large canvas, for small objects.
//!
//! # Source
//! Liu et al. 2015 (SSD), <https://arxiv.org/abs/1512.02325>; `RandomZoomOut` of torchvision.

use mvl_core::{DataError, MAX_SIDE_PX, Sample, SampleRng};
use serde::{Deserialize, Serialize};

use super::{Draw, Transform, probability_problem, range_problem};
use crate::MAX_PIXELS;
use crate::geometry::{Border, BorderMode, Fill, move_sample};

/// The largest factor that a config may ask for.
const MOST: f64 = 100.0;

/// Puts the image somewhere on a larger canvas with probability `p`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomZoomOut {
    /// Probability, 0 to 1; 0.5 unless said otherwise.
    pub p: f64,
    /// The least and the largest factor on the sides, from 1; 1 to 4 unless said otherwise. A canvas is no
    /// larger than an image may be ([`MAX_PIXELS`], [`MAX_SIDE_PX`]).
    pub side_range: [f64; 2],
    /// The colour of the canvas.
    pub fill: Fill,
}

impl Default for RandomZoomOut {
    fn default() -> Self {
        Self { p: 0.5, side_range: [1.0, 4.0], fill: Fill::default() }
    }
}

impl RandomZoomOut {
    /// The canvas around an image of `[height, width]`.
    #[must_use]
    pub fn draw(&self, image: [u32; 2], rng: &mut SampleRng) -> Border {
        let [low, high] = self.side_range;
        let [shorter, longer] = [image[0].min(image[1]), image[0].max(image[1])].map(f64::from);
        let most = (MAX_PIXELS as f64 / (shorter * longer)).sqrt().min(f64::from(MAX_SIDE_PX) / longer);
        let factor = rng.between(low, high).min(most).max(1.0);
        let [width, height] = [image[1], image[0]].map(|side| (f64::from(side) * factor) as u32 - side);
        let (left, top) = ((f64::from(width) * rng.unit()) as u32, (f64::from(height) * rng.unit()) as u32);
        Border::new(image, [left, top, width - left, height - top], BorderMode::Constant, self.fill)
    }
}

impl Transform for RandomZoomOut {
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        if !draw.rng().chance(self.p) {
            return Ok(sample);
        }
        let border = self.draw(sample.image.size(), draw.rng());
        move_sample(sample, &border)
    }

    fn output_size(&self, _input: Option<[u32; 2]>) -> Option<[u32; 2]> {
        None
    }

    fn problems(&self) -> Vec<String> {
        let range = range_problem("side_range", self.side_range, 1.0..=MOST);
        probability_problem(self.p).into_iter().chain(range).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Geometry;
    use mvl_core::{BoxXyxy, SampleKey};

    #[test]
    fn the_canvas_is_one_to_four_times_as_large() {
        for index in 0..200 {
            let border = RandomZoomOut::default().draw([30, 40], &mut SampleKey::plain(index).rng(0));
            let [height, width] = border.output_size();
            assert!((30..=120).contains(&height) && (40..=160).contains(&width), "{border:?}");
            let moved = border.bbox(BoxXyxy::new(0.0, 0.0, 40.0, 30.0));
            assert_eq!((moved.width(), moved.height()), (40.0, 30.0), "the image lies on the canvas wholly");
        }
    }

    #[test]
    fn a_large_image_stays_within_what_an_image_may_have() {
        let zoom = RandomZoomOut { side_range: [4.0, 4.0], ..RandomZoomOut::default() };
        let [height, width] = zoom.draw([8192, 8192], &mut SampleKey::plain(0).rng(0)).output_size();
        assert!(u64::from(height) * u64::from(width) <= MAX_PIXELS);
    }
}
