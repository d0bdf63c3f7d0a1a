//! Sharper or softer now and then.
//!
//! # Source
//! `RandomAdjustSharpness` of torchvision.

use mvl_core::{DataError, Sample};
use serde::{Deserialize, Serialize};

use super::probability::half;
use super::{Draw, Transform, probability_problem};
use crate::ops::adjust_sharpness;

/// Changes the sharpness by `factor` with probability `p`: 0 smoothes, 1 changes nothing, 2 doubles it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomAdjustSharpness {
    /// Not below 0.
    pub factor: f64,
    /// Probability, 0 to 1; 0.5 unless said otherwise.
    #[serde(default = "half")]
    pub p: f64,
}

impl Transform for RandomAdjustSharpness {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        if draw.rng().chance(self.p) {
            sample.image = adjust_sharpness(sample.image, self.factor);
        }
        Ok(sample)
    }

    fn problems(&self) -> Vec<String> {
        let proper = self.factor >= 0.0 && self.factor.is_finite();
        let factor = (!proper).then(|| format!("factor: expected at least 0, got {}", self.factor));
        factor.into_iter().chain(probability_problem(self.p)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::apply_at;
    use mvl_core::{Channels, Image};

    #[test]
    fn half_of_the_images_are_sharpened() {
        let image = Image::new(3, 3, Channels::Gray, vec![0, 0, 0, 0, 130, 0, 0, 0, 0]).expect("nine bytes");
        let transform = RandomAdjustSharpness { factor: 2.0, p: 0.5 };
        let changed = |&index: &usize| apply_at(&transform, image.clone(), index).pixel(1, 1) == [210];
        let count = (0..1000).filter(changed).count();
        assert!((450..550).contains(&count), "{count} of 1000");
        let problems = RandomAdjustSharpness { factor: -1.0, p: 0.5 }.problems();
        assert_eq!(problems, ["factor: expected at least 0, got -1"]);
    }
}
