//! Swaps top and bottom now and then.

use mvl_core::{DataError, Sample};
use serde::{Deserialize, Serialize};

use super::{Draw, Transform, probability_problem};
use crate::geometry::{Flip, move_sample};

/// Swaps top and bottom with probability `p`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomVerticalFlip {
    /// Probability, 0 to 1; 0.5 unless said otherwise.
    pub p: f64,
}

impl Default for RandomVerticalFlip {
    fn default() -> Self {
        Self { p: 0.5 }
    }
}

impl Transform for RandomVerticalFlip {
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        if !draw.rng().chance(self.p) {
            return Ok(sample);
        }
        let flip = Flip::vertical(sample.image.size());
        move_sample(sample, &flip)
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
    fn half_of_the_images_are_flipped() {
        let image = Image::new(2, 2, Channels::Gray, vec![1, 2, 3, 4]).expect("four bytes");
        let changed = |index| apply_at(&RandomVerticalFlip::default(), image.clone(), index) != image;
        let flipped = (0..1000).filter(|&index| changed(index)).count();
        assert!((450..550).contains(&flipped), "{flipped} of 1000");
    }
}
