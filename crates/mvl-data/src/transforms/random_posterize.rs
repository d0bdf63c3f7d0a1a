//! Fewer levels now and then.
//!
//! # Source
//! `RandomPosterize` of torchvision.

use mvl_core::{DataError, Sample};
use serde::{Deserialize, Serialize};

use super::probability::half;
use super::{Draw, Transform, probability_problem};
use crate::ops::posterize;

/// Keeps the highest `bits` of every value with probability `p`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomPosterize {
    /// How many bits are kept, 0 to 8.
    pub bits: u32,
    /// Probability, 0 to 1; 0.5 unless said otherwise.
    #[serde(default = "half")]
    pub p: f64,
}

impl Transform for RandomPosterize {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        if draw.rng().chance(self.p) {
            sample.image = posterize(sample.image, self.bits);
        }
        Ok(sample)
    }

    fn problems(&self) -> Vec<String> {
        let bits = (self.bits > u8::BITS).then(|| format!("bits: expected 0 to 8, got {}", self.bits));
        bits.into_iter().chain(probability_problem(self.p)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::apply_at;
    use mvl_core::{Channels, Image};

    #[test]
    fn half_of_the_images_lose_levels() {
        let image = Image::new(1, 1, Channels::Gray, vec![200]).expect("one byte");
        let lost =
            |&index: &usize| apply_at(&RandomPosterize { bits: 1, p: 0.5 }, image.clone(), index).pixels() == [128];
        let count = (0..1000).filter(lost).count();
        assert!((450..550).contains(&count), "{count} of 1000");
        assert_eq!(RandomPosterize { bits: 9, p: 0.5 }.problems(), ["bits: expected 0 to 8, got 9"]);
    }
}
