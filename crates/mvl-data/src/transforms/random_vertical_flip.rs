//! Swaps top and bottom now and then.

use mvl_core::{Image, SampleRng};
use serde::{Deserialize, Serialize};

use super::Transform;
use crate::ops::vertical_flip;

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
    fn apply(&self, image: Image, rng: &mut SampleRng) -> Image {
        if rng.chance(self.p) { vertical_flip(image) } else { image }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mvl_core::{Channels, SampleKey};

    #[test]
    fn half_of_the_images_are_flipped() {
        let image = Image::new(2, 2, Channels::Gray, vec![1, 2, 3, 4]).expect("four bytes");
        let changed = |index| {
            let rng = &mut SampleKey::plain(index).rng(0);
            RandomVerticalFlip::default().apply(image.clone(), rng) != image
        };
        let flipped = (0..1000).filter(|&index| changed(index)).count();
        assert!((450..550).contains(&flipped), "{flipped} of 1000");
    }
}
