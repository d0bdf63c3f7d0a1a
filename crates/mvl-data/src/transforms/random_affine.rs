//! Turned, moved, grown and leaning by random amounts.
//!
//! # Source
//! `RandomAffine` of torchvision.

use mvl_core::{DataError, Sample, SampleRng};
use serde::{Deserialize, Deserializer, Serialize};

use super::random_rotation::ANGLES;
use super::{Draw, Transform, center_problem, factor_range, range_problem};
use crate::geometry::{Affine, AffineParameters, Fill, Interpolation, Sampling, move_sample};

/// Scales that a config may ask for.
const SCALES: std::ops::RangeInclusive<f64> = 1e-3..=1e3;
/// Leanings that a config may ask for, in degrees; at 90 a line has no height.
const SHEARS: std::ops::RangeInclusive<f64> = -89.0..=89.0;

/// Turns, moves, scales and leans the image, which keeps its size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomAffine {
    /// The least and the largest angle in degrees, clockwise. In a file also one number for both sides.
    #[serde(deserialize_with = "factor_range::around_zero")]
    pub degrees: [f64; 2],
    /// The largest way to the sides and up or down, in shares of width and height; none unless said otherwise.
    #[serde(default)]
    pub translate: [f64; 2],
    /// The least and the largest factor on lengths; 1 unless said otherwise.
    #[serde(default = "default_scale")]
    pub scale: [f64; 2],
    /// The least and the largest leaning in degrees along x, and then along y; none unless said otherwise. In a file also two
    /// numbers, or one for both sides, for x alone.
    #[serde(default, deserialize_with = "deserialize_shear")]
    pub shear: [f64; 4],
    /// How pixels are looked up.
    #[serde(default)]
    pub interpolation: Interpolation,
    /// The colour outside of the image.
    #[serde(default)]
    pub fill: Fill,
    /// The point that stays where it is, `[x, y]` in pixels; the middle unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub center: Option<[f64; 2]>,
}

fn default_scale() -> [f64; 2] {
    [1.0, 1.0]
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected degrees, [least, largest], or [least x, largest x, least y, largest y]")]
enum Shear {
    Around(f64),
    AlongX([f64; 2]),
    Both([f64; 4]),
}

fn deserialize_shear<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[f64; 4], D::Error> {
    Ok(match Shear::deserialize(deserializer)? {
        Shear::Around(most) => [-most, most, 0.0, 0.0],
        Shear::AlongX([low, high]) => [low, high, 0.0, 0.0],
        Shear::Both(all) => all,
    })
}

impl RandomAffine {
    /// torchvision's defaults: nothing but the turning, the nearest pixel, black outside.
    #[must_use]
    pub fn new(degrees: [f64; 2]) -> Self {
        let (interpolation, fill) = (Interpolation::Nearest, Fill::default());
        let (translate, scale, shear) = ([0.0; 2], default_scale(), [0.0; 4]);
        Self { degrees, translate, scale, shear, interpolation, fill, center: None }
    }

    /// A change of images of `[height, width]`. Whole pixels are moved, as in torchvision.
    #[must_use]
    pub fn draw(&self, image: [u32; 2], rng: &mut SampleRng) -> Affine {
        let angle = rng.between(self.degrees[0], self.degrees[1]);
        let translate = [0, 1].map(|axis| {
            let most = self.translate[axis] * f64::from(image[1 - axis]);
            rng.between(-most, most).round_ties_even()
        });
        let scale = rng.between(self.scale[0], self.scale[1]);
        let [x_low, x_high, y_low, y_high] = self.shear;
        let shear = [rng.between(x_low, x_high), rng.between(y_low, y_high)];
        let change = AffineParameters { angle, translate, scale, shear, center: self.center };
        Affine::new(image, change, Sampling { interpolation: self.interpolation, fill: self.fill })
    }
}

impl Transform for RandomAffine {
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        let affine = self.draw(sample.image.size(), draw.rng());
        move_sample(sample, &affine)
    }

    fn problems(&self) -> Vec<String> {
        let [x_low, x_high, y_low, y_high] = self.shear;
        let shares = self.translate.iter().all(|share| (0.0..=1.0).contains(share));
        let translate = (!shares).then(|| format!("translate: expected shares from 0 to 1, got {:?}", self.translate));
        [
            range_problem("degrees", self.degrees, ANGLES),
            translate,
            range_problem("scale", self.scale, SCALES),
            range_problem("shear", [x_low, x_high], SHEARS),
            range_problem("shear", [y_low, y_high], SHEARS),
            center_problem(self.center),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
