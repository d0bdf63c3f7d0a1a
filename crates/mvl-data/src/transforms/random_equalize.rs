//! Histograms equalised now and then.
//!
//! # Source
//! `RandomEqualize` of torchvision.

use mvl_core::{DataError, Sample};
use serde::{Deserialize, Serialize};

use super::{Draw, Transform, probability_problem};
use crate::ops::equalize;

/// Equalises the histogram of each channel with probability `p`, see [`equalize`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomEqualize {
    /// Probability, 0 to 1; 0.5 unless said otherwise.
    pub p: f64,
}

impl Default for RandomEqualize {
    fn default() -> Self {
        Self { p: 0.5 }
    }
}

impl Transform for RandomEqualize {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        if draw.rng().chance(self.p) {
            sample.image = equalize(sample.image);
        }
        Ok(sample)
    }

    fn problems(&self) -> Vec<String> {
        probability_problem(self.p).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::apply_at;
    use mvl_core::{Channels, Image};

    #[test]
    fn half_of_the_images_are_equalised() {
        let image =
            Image::new(32, 32, Channels::Gray, (0..1024).map(|at| (at / 8) as u8).collect()).expect("1024 bytes");
        let changed = equalize(image.clone());
        assert_ne!(changed, image);
        let same = |&index: &usize| apply_at(&RandomEqualize::default(), image.clone(), index) == changed;
        let count = (0..1000).filter(same).count();
        assert!((450..550).contains(&count), "{count} of 1000");
    }
}
