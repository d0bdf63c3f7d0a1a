//! Seen from a random side.
//!
//! # Source
//! `RandomPerspective` of torchvision.

use mvl_core::{DataError, Sample, SampleRng};
use serde::{Deserialize, Serialize};

use super::{Draw, Transform, probability_problem};
use crate::geometry::{Fill, Interpolation, Perspective, Sampling, move_sample};

/// Moves the four corners inwards with probability `p`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomPerspective {
    /// Probability, 0 to 1; 0.5 unless said otherwise.
    pub p: f64,
    /// How far the corners may go, in shares of the way to the middle; 0.5 unless said otherwise.
    pub distortion_scale: f64,
    /// How pixels are looked up; bilinear unless said otherwise.
    pub interpolation: Interpolation,
    /// The colour outside of the image.
    pub fill: Fill,
}

impl Default for RandomPerspective {
    fn default() -> Self {
        Self { p: 0.5, distortion_scale: 0.5, interpolation: Interpolation::Bilinear, fill: Fill::default() }
    }
}

impl RandomPerspective {
    /// A change of images of `[height, width]`; `None` when the corners that were drawn span no quadrilateral, which happens in
    /// tiny images.
    #[must_use]
    pub fn draw(&self, image: [u32; 2], rng: &mut SampleRng) -> Option<Perspective> {
        let [bottom, right] = image.map(|side| f64::from(side - 1));
        let reach = image.map(|side| (self.distortion_scale * f64::from(side / 2)) as usize + 1);
        let mut inwards = || [rng.below(reach[1]) as f64, rng.below(reach[0]) as f64];
        let start = [[0.0, 0.0], [right, 0.0], [right, bottom], [0.0, bottom]];
        let end = start.map(|[x, y]| {
            let [dx, dy] = inwards();
            [if x == 0.0 { dx } else { x - dx }, if y == 0.0 { dy } else { y - dy }]
        });
        let sampling = Sampling { interpolation: self.interpolation, fill: self.fill };
        Perspective::between(image, start, end, sampling)
    }
}

impl Transform for RandomPerspective {
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        if !draw.rng().chance(self.p) {
            return Ok(sample);
        }
        match self.draw(sample.image.size(), draw.rng()) {
            Some(perspective) => move_sample(sample, &perspective),
            None => Ok(sample),
        }
    }

    fn problems(&self) -> Vec<String> {
        let share = (0.0..=1.0).contains(&self.distortion_scale);
        let scale = (!share).then(|| format!("distortion_scale: expected 0 to 1, got {}", self.distortion_scale));
        probability_problem(self.p).into_iter().chain(scale).collect()
    }
}
