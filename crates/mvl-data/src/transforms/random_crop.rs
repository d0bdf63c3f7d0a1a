//! A window of fixed size at a random place, the classic change for small images.
//!
//! # Source
//! `RandomCrop` of torchvision; He et al. 2015 (<https://arxiv.org/abs/1512.03385>) train on CIFAR with `padding = 4`. An image
//! that is too small even with its padding gets more zeros, where torchvision raises an error.

use mvl_core::{DataError, MAX_SIDE_PX, Sample, SampleRng};
use serde::{Deserialize, Serialize};

use super::{Draw, Transform, sides};
use crate::geometry::{Window, move_sample};

/// Puts zeros around the image and cuts a window out at a random place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomCrop {
    /// `[height, width]` of the window in pixels, or one number for a square.
    #[serde(deserialize_with = "sides::deserialize")]
    pub size: [u32; 2],
    /// Zeros on each of the four sides, in pixels.
    #[serde(default)]
    pub padding: u32,
}

impl RandomCrop {
    /// Where to cut in an image of `[height, width]`, which the padding surrounds.
    #[must_use]
    pub fn draw(&self, image: [u32; 2], rng: &mut SampleRng) -> Window {
        let [top, left] = [0, 1].map(|axis| {
            let (padded, kept) = (u64::from(image[axis]) + 2 * u64::from(self.padding), u64::from(self.size[axis]));
            let missing = kept.saturating_sub(padded);
            let place = rng.below((padded + missing - kept) as usize + 1);
            place as i64 - i64::from(self.padding) - (missing / 2) as i64
        });
        Window::new(image, [top, left], self.size)
    }
}

impl Transform for RandomCrop {
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        let window = self.draw(sample.image.size(), draw.rng());
        if window.is_whole() { Ok(sample) } else { move_sample(sample, &window) }
    }

    fn output_size(&self, _input: Option<[u32; 2]>) -> Option<[u32; 2]> {
        Some(self.size)
    }

    fn problems(&self) -> Vec<String> {
        let too_much = self.padding > MAX_SIDE_PX;
        let padding = too_much.then(|| format!("padding: expected at most {MAX_SIDE_PX} pixels, got {}", self.padding));
        sides::problem(self.size).into_iter().chain(padding).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::apply_at;
    use mvl_core::{Channels, Image};
    use std::collections::BTreeSet;

    #[test]
    fn every_place_is_reached() {
        let image = Image::new(2, 2, Channels::Gray, vec![1, 2, 3, 4]).expect("four bytes");
        let transform = RandomCrop { size: [2, 2], padding: 1 };
        let seen: BTreeSet<Vec<u8>> =
            (0..300).map(|index| apply_at(&transform, image.clone(), index).into_pixels()).collect();
        assert_eq!(seen.len(), 9);
        assert!(seen.contains(&vec![0, 0, 0, 1]) && seen.contains(&vec![1, 2, 3, 4]));
    }

    #[test]
    fn a_small_image_is_padded() {
        let image = Image::new(1, 1, Channels::Gray, vec![9]).expect("one byte");
        let transform = RandomCrop { size: [1, 3], padding: 0 };
        assert_eq!(apply_at(&transform, image, 0).pixels(), [0, 9, 0]);
    }
}
