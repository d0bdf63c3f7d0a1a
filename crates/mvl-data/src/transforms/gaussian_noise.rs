//! Normal noise.
//!
//! # Source
//! `GaussianNoise` of torchvision.

use mvl_core::{DataError, Sample};
use serde::{Deserialize, Serialize};

use super::{Draw, Transform};
use crate::ops::gaussian_noise;

/// Adds noise to every value, cut off at 0 and 255; both numbers are in units of the whole range, so 0.1 is 25.5 levels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GaussianNoise {
    /// What is added on average, -1 to 1; 0 unless said otherwise.
    pub mean: f64,
    /// The standard deviation, 0 to 1; 0.1 unless said otherwise.
    pub sigma: f64,
}

impl Default for GaussianNoise {
    fn default() -> Self {
        Self { mean: 0.0, sigma: 0.1 }
    }
}

impl Transform for GaussianNoise {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        sample.image = gaussian_noise(sample.image, self.mean, self.sigma, draw.rng());
        Ok(sample)
    }

    fn problems(&self) -> Vec<String> {
        let outside = |field, value: f64, least: f64| {
            (!(least..=1.0).contains(&value)).then(|| format!("{field}: expected {least} to 1, got {value}"))
        };
        outside("mean", self.mean, -1.0).into_iter().chain(outside("sigma", self.sigma, 0.0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::apply_at;
    use mvl_core::{Channels, Image};

    #[test]
    fn the_noise_has_its_mean_and_deviation() {
        let image = Image::new(200, 200, Channels::Gray, vec![128; 40_000]).expect("40 000 bytes");
        let noisy = apply_at(&GaussianNoise { mean: 0.1, sigma: 0.05 }, image, 0);
        let mean = noisy.pixels().iter().map(|&level| f64::from(level)).sum::<f64>() / 40_000.0;
        let variance = noisy.pixels().iter().map(|&level| (f64::from(level) - mean).powi(2)).sum::<f64>() / 40_000.0;
        assert!((mean - 128.0 - 25.0).abs() < 0.3, "25.5 levels, less the half that is cut off: {mean}");
        assert!((variance.sqrt() - 12.75).abs() < 0.3, "0.05 of 255: {}", variance.sqrt());
    }

    #[test]
    fn every_problem_is_named() {
        let problems = GaussianNoise { mean: -1.5, sigma: -0.1 }.problems();
        assert_eq!(problems, ["mean: expected -1 to 1, got -1.5", "sigma: expected 0 to 1, got -0.1"]);
    }
}
