//! Stretched and squeezed like rubber.
//!
//! # Source
//! Simard et al. 2003, "Best Practices for Convolutional Neural Networks Applied to Visual Document Analysis"; the drawing is that
//! of `ElasticTransform` in torchvision.

use mvl_core::{DataError, Sample, SampleRng};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Draw, Transform};
use crate::geometry::{Elastic, Fill, Interpolation, Sampling, move_sample};
use crate::ops::{blurred, gaussian_weights};

/// The largest smoothness that a config may ask for, in pixels.
const MOST_SIGMA: f64 = 100.0;

/// Looks every pixel up a little beside its place; neighbours stay neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ElasticTransform {
    /// How far pixels are moved, along x and y; 50 unless said otherwise. In a file also one number for both. As in torchvision,
    /// the way along x is `alpha[0] / height` and that along y `alpha[1] / width`, where 2 is the whole side.
    #[serde(deserialize_with = "deserialize_pair")]
    pub alpha: [f64; 2],
    /// How smoothly, along x and y: the standard deviation in pixels of the blur that makes noise a displacement; 5 unless said
    /// otherwise. In a file also one number for both.
    #[serde(deserialize_with = "deserialize_pair")]
    pub sigma: [f64; 2],
    /// How pixels are looked up; bilinear unless said otherwise.
    pub interpolation: Interpolation,
    /// The colour outside of the image.
    pub fill: Fill,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number, or [x, y]")]
enum Pair {
    Same(f64),
    Both([f64; 2]),
}

fn deserialize_pair<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[f64; 2], D::Error> {
    Ok(match Pair::deserialize(deserializer)? {
        Pair::Same(number) => [number; 2],
        Pair::Both(pair) => pair,
    })
}

impl Default for ElasticTransform {
    fn default() -> Self {
        let (interpolation, fill) = (Interpolation::Bilinear, Fill::default());
        Self { alpha: [50.0; 2], sigma: [5.0; 2], interpolation, fill }
    }
}

impl ElasticTransform {
    /// A change of images of `[height, width]`.
    #[must_use]
    pub fn draw(&self, image: [u32; 2], rng: &mut SampleRng) -> Elastic {
        let [dx, dy] = [0, 1].map(|axis| {
            let factor = self.alpha[axis] / f64::from(image[axis]);
            let pixels = image[0] as usize * image[1] as usize;
            let noise: Vec<f32> = (0..pixels).map(|_| rng.between(-1.0, 1.0) as f32).collect();
            let mut smooth = smoothed(&noise, image, self.sigma);
            smooth.iter_mut().for_each(|way| *way *= factor as f32);
            smooth
        });
        let displacement = dx.into_iter().zip(dy).map(|(dx, dy)| [dx, dy]).collect();
        Elastic::new(image, displacement, Sampling { interpolation: self.interpolation, fill: self.fill })
    }
}

/// A field of `[height, width]` after a Gaussian blur of these standard deviations along x and y, each as far as four of them.
fn smoothed(field: &[f32], size: [u32; 2], sigma: [f64; 2]) -> Vec<f32> {
    let [along_x, along_y] = sigma.map(|sigma| match (4.0 * sigma).ceil() as usize {
        0 => vec![1.0],
        reach => gaussian_weights(reach, sigma),
    });
    blurred(field, size, 1, [&along_x, &along_y])
}

impl Transform for ElasticTransform {
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        let elastic = self.draw(sample.image.size(), draw.rng());
        move_sample(sample, &elastic)
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.alpha.iter().any(|alpha| !alpha.is_finite()) {
            problems.push(format!("alpha: expected finite numbers, got {:?}", self.alpha));
        }
        if self.sigma.iter().any(|sigma| !(0.0..=MOST_SIGMA).contains(sigma)) {
            problems.push(format!("sigma: expected 0 to {MOST_SIGMA}, got {:?}", self.sigma));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blur_spreads_a_point_and_keeps_its_sum() {
        let mut point = vec![0.0; 121];
        point[60] = 1.0;
        let smooth = smoothed(&point, [11, 11], [1.0, 1.0]);
        assert!((smooth.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert!((smooth[60] - 0.1592).abs() < 1e-3, "1 / 2π: {}", smooth[60]);
        assert!((smooth[61] / smooth[60] - (-0.5_f32).exp()).abs() < 1e-5);
        assert_eq!(smoothed(&[1.0, 2.0], [1, 2], [0.0, 0.0]), [1.0, 2.0]);
    }

    #[test]
    fn an_image_smaller_than_the_blur_can_be_moved() {
        let _ = ElasticTransform::default().draw([1, 3], &mut mvl_core::SampleKey::plain(0).rng(0));
    }
}
