//! Blur of random strength.
//!
//! # Source
//! `GaussianBlur` of torchvision; Chen et al. 2020 (SimCLR, <https://arxiv.org/abs/2002.05709>) blur half of the images with a kernel
//! of a tenth of their side and a sigma from 0.1 to 2.

use mvl_core::{DataError, Sample};
use serde::{Deserialize, Serialize};

use super::probability::always;
use super::{Draw, Transform, probability_problem};
use crate::ops::gaussian_blur;

/// The largest kernel, in pixels.
const MOST_KERNEL_PX: usize = 255;

/// Blurs with a Gaussian whose standard deviation is drawn from `sigma`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaussianBlur {
    /// Side of the kernel in pixels, an odd number.
    pub kernel_size: usize,
    /// The least and the largest standard deviation in pixels; 0.1 to 2 unless said otherwise.
    #[serde(default = "default_sigma")]
    pub sigma: [f64; 2],
    /// Probability, 0 to 1; 1 unless said otherwise.
    #[serde(default = "always")]
    pub p: f64,
}

fn default_sigma() -> [f64; 2] {
    [0.1, 2.0]
}

impl Transform for GaussianBlur {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        if draw.rng().chance(self.p) {
            let sigma = draw.rng().between(self.sigma[0], self.sigma[1]);
            sample.image = gaussian_blur(&sample.image, self.kernel_size, sigma);
        }
        Ok(sample)
    }

    fn problems(&self) -> Vec<String> {
        let kernel = self.kernel_size;
        let odd = kernel % 2 == 1 && kernel <= MOST_KERNEL_PX;
        let kernel =
            (!odd).then(|| format!("kernel_size: expected an odd number up to {MOST_KERNEL_PX}, got {kernel}"));
        let [least, largest] = self.sigma;
        let proper = 0.0 < least && least <= largest && largest.is_finite();
        let sigma = (!proper).then(|| format!("sigma: expected 0 < least <= largest, got {:?}", self.sigma));
        kernel.into_iter().chain(sigma).chain(probability_problem(self.p)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::apply_at;
    use mvl_core::{Channels, Image};

    #[test]
    fn the_strength_is_drawn() {
        let image = Image::new(5, 1, Channels::Gray, vec![0, 0, 200, 0, 0]).expect("five bytes");
        let transform = GaussianBlur { kernel_size: 3, sigma: [0.1, 2.0], p: 1.0 };
        let centres: Vec<u8> = (0..100).map(|index| apply_at(&transform, image.clone(), index).pixels()[2]).collect();
        assert!(centres.contains(&200) && centres.iter().any(|&level| level < 75), "{centres:?}");
        assert!(centres.iter().all(|&level| level >= 70), "a sigma of 2 leaves 0.362 of 200: {centres:?}");
    }

    #[test]
    fn every_problem_is_named() {
        let problems = GaussianBlur { kernel_size: 4, sigma: [0.0, 1.0], p: 1.0 }.problems();
        assert_eq!(
            problems,
            [
                "kernel_size: expected an odd number up to 255, got 4",
                "sigma: expected 0 < least <= largest, got [0.0, 1.0]"
            ]
        );
    }
}
