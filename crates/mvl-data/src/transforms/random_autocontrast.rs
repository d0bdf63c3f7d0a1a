//! Levels stretched to the whole range now and then.
//!
//! # Source
//! `RandomAutocontrast` of torchvision.

use mvl_core::{DataError, Sample};
use serde::{Deserialize, Serialize};

use super::{Draw, Transform, probability_problem};
use crate::ops::autocontrast;

/// Stretches the levels of each channel to 0 to 255 with probability `p`, see [`autocontrast`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomAutocontrast {
    /// Probability, 0 to 1; 0.5 unless said otherwise.
    pub p: f64,
}

impl Default for RandomAutocontrast {
    fn default() -> Self {
        Self { p: 0.5 }
    }
}

impl Transform for RandomAutocontrast {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        if draw.rng().chance(self.p) {
            sample.image = autocontrast(sample.image);
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
    fn half_of_the_images_are_stretched() {
        let image = Image::new(2, 1, Channels::Gray, vec![100, 200]).expect("two bytes");
        let changed = autocontrast(image.clone());
        assert_ne!(changed, image);
        let same = |&index: &usize| apply_at(&RandomAutocontrast::default(), image.clone(), index) == changed;
        let count = (0..1000).filter(same).count();
        assert!((450..550).contains(&count), "{count} of 1000");
    }
}
