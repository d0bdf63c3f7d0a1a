//! What is bright inverted now and then.
//!
//! # Source
//! `RandomSolarize` of torchvision.

use mvl_core::{DataError, Sample};
use serde::{Deserialize, Serialize};

use super::probability::half;
use super::{Draw, Transform, probability_problem};
use crate::ops::solarize;

/// Inverts every level that is at least `threshold` with probability `p`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomSolarize {
    /// The lowest level that is inverted, 0 to 255.
    pub threshold: f64,
    /// Probability, 0 to 1; 0.5 unless said otherwise.
    #[serde(default = "half")]
    pub p: f64,
}

impl Transform for RandomSolarize {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        if draw.rng().chance(self.p) {
            sample.image = solarize(sample.image, self.threshold);
        }
        Ok(sample)
    }

    fn problems(&self) -> Vec<String> {
        let proper = (0.0..=255.0).contains(&self.threshold);
        let threshold = (!proper).then(|| format!("threshold: expected 0 to 255, got {}", self.threshold));
        threshold.into_iter().chain(probability_problem(self.p)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::apply_at;
    use mvl_core::{Channels, Image};

    #[test]
    fn half_of_the_images_are_solarized() {
        let image = Image::new(2, 1, Channels::Gray, vec![10, 200]).expect("two bytes");
        let transform = RandomSolarize { threshold: 128.0, p: 0.5 };
        let changed = |&index: &usize| apply_at(&transform, image.clone(), index).pixels() == [10, 55];
        let count = (0..1000).filter(changed).count();
        assert!((450..550).contains(&count), "{count} of 1000");
        let problems = RandomSolarize { threshold: 256.0, p: 2.0 }.problems();
        assert_eq!(problems, ["threshold: expected 0 to 255, got 256", "p: expected a probability from 0 to 1, got 2"]);
    }
}
