//! The four corners and the middle, one at random in training, all five in testing.
//!
//! # Source
//! Krizhevsky et al. 2012, "ImageNet Classification with Deep Convolutional Neural Networks"; `FiveCrop` of torchvision, which
//! refuses images that are too small. Here black is put around them.

use mvl_core::{DataError, Sample};
use serde::{Deserialize, Serialize};

use super::{Draw, Transform, sides};
use crate::geometry::{Window, move_sample};

/// Keeps one of five windows.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image, Sample};
/// use mvl_data::FiveCrop;
/// let sample = Sample::new(Image::new(3, 1, Channels::Gray, vec![1, 2, 3])?, "memory");
/// let all = FiveCrop { size: [1, 1] }.all(&sample)?;
/// assert_eq!(all.map(|crop| crop.image.pixels()[0]), [1, 3, 1, 3, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FiveCrop {
    /// `[height, width]` of a window in pixels, or one number for a square.
    #[serde(deserialize_with = "sides::deserialize")]
    pub size: [u32; 2],
}

impl FiveCrop {
    /// The windows on an image of `[height, width]`: upper left, upper right, lower left, lower right, middle.
    #[must_use]
    pub fn windows(&self, image: [u32; 2]) -> [Window; 5] {
        let [(top, bottom), (left, right)] = [0, 1].map(|axis| {
            let spare = i64::from(image[axis]) - i64::from(self.size[axis]);
            if spare < 0 { (spare / 2, spare / 2) } else { (0, spare) }
        });
        let at = |start| Window::new(image, start, self.size);
        let middle = Window::centred(image, self.size);
        [at([top, left]), at([top, right]), at([bottom, left]), at([bottom, right]), middle]
    }

    /// All five, in the order of [`Self::windows`], to average a network's answers over them.
    ///
    /// # Errors
    /// When a mask or the class map does not have the image's size.
    pub fn all(&self, sample: &Sample) -> Result<[Sample; 5], DataError> {
        let [a, b, c, d, e] = self.windows(sample.image.size()).map(|window| move_sample(sample.clone(), &window));
        Ok([a?, b?, c?, d?, e?])
    }
}

impl Transform for FiveCrop {
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample, DataError> {
        let windows = self.windows(sample.image.size());
        move_sample(sample, &windows[draw.rng().below(windows.len())])
    }

    fn output_size(&self, _input: Option<[u32; 2]>) -> Option<[u32; 2]> {
        Some(self.size)
    }

    fn problems(&self) -> Vec<String> {
        sides::problem(self.size).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Geometry;
    use crate::transforms::apply_at;
    use mvl_core::{Channels, Image};
    use std::collections::BTreeSet;

    #[test]
    fn every_window_is_drawn() {
        let image = Image::new(3, 3, Channels::Gray, (1..=9).collect()).expect("nine bytes");
        let crop = FiveCrop { size: [1, 1] };
        let seen: BTreeSet<u8> = (0..100).map(|index| apply_at(&crop, image.clone(), index).pixels()[0]).collect();
        assert_eq!(seen, BTreeSet::from([1, 3, 5, 7, 9]));
    }

    #[test]
    fn a_small_image_has_black_around_it() {
        let image = Image::new(1, 1, Channels::Gray, vec![9]).expect("one byte");
        for window in (FiveCrop { size: [1, 4] }).windows([1, 1]) {
            assert_eq!(window.image(image.clone()).pixels(), [0, 9, 0, 0]);
        }
    }
}
