//! Stretched and squeezed like rubber.
//!
//! # Source
//! Simard et al. 2003, "Best Practices for Convolutional Neural Networks Applied to Visual Document Analysis"; the drawing is that
//! of `ElasticTransform` in torchvision.

use mvl_core::{DataError, Sample, SampleRng};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Draw, Transform};
use crate::geometry::{Elastic, Fill, Interpolation, Sampling, move_sample, reflected};

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
            let noise = (0..image[0] as usize * image[1] as usize).map(|_| rng.between(-1.0, 1.0) as f32).collect();
            let mut smooth = blurred(noise, image, self.sigma);
            smooth.iter_mut().for_each(|way| *way *= factor as f32);
            smooth
        });
        let displacement = dx.into_iter().zip(dy).map(|(dx, dy)| [dx, dy]).collect();
        Elastic::new(image, displacement, Sampling { interpolation: self.interpolation, fill: self.fill })
    }
}

/// A field of `[height, width]` after a Gaussian blur of these standard deviations along x and y, mirrored at its edges.
fn blurred(field: Vec<f32>, [height, width]: [u32; 2], [along_x, along_y]: [f64; 2]) -> Vec<f32> {
    let (height, width) = (height as usize, width as usize);
    let (across, down) = (kernel(along_x), kernel(along_y));
    let columns = places(width, across.len());
    let mut rows_done = Vec::with_capacity(field.len());
    for row in field.chunks_exact(width) {
        let extended: Vec<f32> = columns.iter().map(|&at| row[at]).collect();
        let sum = |window: &[f32]| window.iter().zip(&across).map(|(value, weight)| value * weight).sum::<f32>();
        rows_done.extend(extended.windows(across.len()).map(sum));
    }
    let mut done = vec![0.0; field.len()];
    let rows = places(height, down.len());
    for (target, sources) in done.chunks_exact_mut(width).zip(rows.windows(down.len())) {
        for (&row, weight) in sources.iter().zip(&down) {
            for (sum, value) in target.iter_mut().zip(&rows_done[row * width..][..width]) {
                *sum += value * weight;
            }
        }
    }
    done
}

/// The places along a side that a kernel of this length needs, in order, mirrored where they are beyond it.
fn places(side: usize, kernel: usize) -> Vec<usize> {
    let reach = (kernel / 2) as i64;
    (-reach..side as i64 + reach).map(|at| reflected(at, side as i64) as usize).collect()
}

/// Weights of a Gaussian as far as four standard deviations; an odd number of them.
fn kernel(sigma: f64) -> Vec<f32> {
    let reach = (4.0 * sigma).ceil() as i32;
    if sigma == 0.0 {
        return vec![1.0];
    }
    let weights: Vec<f64> = (-reach..=reach).map(|at| (-0.5 * (f64::from(at) / sigma).powi(2)).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| (weight / total) as f32).collect()
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
        let smooth = blurred(point, [11, 11], [1.0, 1.0]);
        assert!((smooth.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert!((smooth[60] - 0.1592).abs() < 1e-3, "1 / 2π: {}", smooth[60]);
        assert!((smooth[61] / smooth[60] - (-0.5_f32).exp()).abs() < 1e-5);
        assert_eq!(blurred(vec![1.0, 2.0], [1, 2], [0.0, 0.0]), [1.0, 2.0]);
    }

    #[test]
    fn an_image_smaller_than_the_blur_can_be_moved() {
        let _ = ElasticTransform::default().draw([1, 3], &mut mvl_core::SampleKey::plain(0).rng(0));
    }
}
