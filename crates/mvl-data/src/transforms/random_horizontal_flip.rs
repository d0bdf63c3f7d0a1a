//! Swaps left and right now and then.

use mvl_core::{DataError, Sample};
use serde::{Deserialize, Serialize};

use super::{Draw, Lead, Transform, probability_problem};
use crate::geometry::{Flip, move_sample};

/// Swaps left and right with probability `p`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomHorizontalFlip {
    /// Probability, 0 to 1; 0.5 unless said otherwise.
    pub p: f64,
}

impl Default for RandomHorizontalFlip {
    fn default() -> Self {
        Self { p: 0.5 }
    }
}

impl Transform for RandomHorizontalFlip {
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        if !draw.rng().chance(self.p) {
            return Ok(sample);
        }
        let flip = Flip::horizontal(sample.image.size());
        move_sample(sample, &flip)
    }

    fn lead(&self, _size: [u32; 2], draw: &mut Draw<'_>) -> Option<Lead> {
        Some(if draw.rng().chance(self.p) { Lead::Mirror } else { Lead::Keep })
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
        let changed = |index| apply_at(&RandomHorizontalFlip::default(), image.clone(), index) != image;
        let flipped = (0..1000).filter(|&index| changed(index)).count();
        assert!((450..550).contains(&flipped), "{flipped} of 1000");
    }
}
