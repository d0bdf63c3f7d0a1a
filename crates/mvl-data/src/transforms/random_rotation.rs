//! Turned by a random angle.
//!
//! # Source
//! `RandomRotation` of torchvision.

use mvl_core::{DataError, Sample, SampleRng};
use serde::{Deserialize, Serialize};

use super::{Draw, Transform, center_problem, factor_range, range_problem};
use crate::geometry::{Fill, Interpolation, Rotation, Sampling, move_sample};

/// Angles that a config may ask for, in degrees.
pub(super) const ANGLES: std::ops::RangeInclusive<f64> = -360.0..=360.0;

/// Turns the image counter-clockwise by a random angle.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomRotation {
    /// The least and the largest angle in degrees. In a file also one number for both sides.
    #[serde(deserialize_with = "factor_range::around_zero")]
    pub degrees: [f64; 2],
    /// How pixels are looked up.
    #[serde(default)]
    pub interpolation: Interpolation,
    /// Whether the image grows to hold all of the turned one, or keeps its size.
    #[serde(default)]
    pub expand: bool,
    /// The point that stays where it is, `[x, y]` in pixels; the middle unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub center: Option<[f64; 2]>,
    /// The colour outside of the image.
    #[serde(default)]
    pub fill: Fill,
}

impl RandomRotation {
    /// torchvision's defaults: the nearest pixel, the same size, around the middle, black outside.
    #[must_use]
    pub fn new(degrees: [f64; 2]) -> Self {
        Self { degrees, interpolation: Interpolation::Nearest, expand: false, center: None, fill: Fill::default() }
    }

    /// A rotation of images of `[height, width]`.
    #[must_use]
    pub fn draw(&self, image: [u32; 2], rng: &mut SampleRng) -> Rotation {
        let angle = rng.between(self.degrees[0], self.degrees[1]);
        let sampling = Sampling { interpolation: self.interpolation, fill: self.fill };
        Rotation::new(image, angle, self.expand, self.center, sampling)
    }
}

impl Transform for RandomRotation {
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        let rotation = self.draw(sample.image.size(), draw.rng());
        move_sample(sample, &rotation)
    }

    fn output_size(&self, input: Option<[u32; 2]>) -> Option<[u32; 2]> {
        input.filter(|_| !self.expand)
    }

    fn problems(&self) -> Vec<String> {
        range_problem("degrees", self.degrees, ANGLES).into_iter().chain(center_problem(self.center)).collect()
    }
}
