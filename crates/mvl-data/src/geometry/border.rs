//! Pixels put around an image.

use mvl_core::{BoxXyxy, Image};
use serde::{Deserialize, Serialize};

use super::{Fill, Geometry, Sources};

/// What the added pixels are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BorderMode {
    /// One colour. Masks have nothing there, and class maps what counts for nothing.
    #[default]
    Constant,
    /// The outermost pixels, again and again.
    Edge,
    /// The image mirrored at its outermost pixels: `3 2 | 1 2 3 | 2 1`.
    Reflect,
    /// The image mirrored at its edge: `2 1 | 1 2 3 | 3 2`.
    Symmetric,
}

/// A border around an image. Boxes and keypoints go along with the image; mirror images of them are not added.
///
/// torchvision refuses boxes in all modes but [`BorderMode::Constant`], and a mirrored border wider than the image; here the
/// mirror images are mirrored again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Border {
    image: [u32; 2],
    sides: [u32; 4],
    mode: BorderMode,
    fill: Fill,
}

impl Border {
    /// A border for images of `[height, width]`; `sides` are the pixels added on the left, top, right and bottom. `fill` counts
    /// for [`BorderMode::Constant`].
    ///
    /// # Panics
    /// If the result has more pixels along a side than `u32` holds.
    #[must_use]
    pub fn new(image: [u32; 2], sides: [u32; 4], mode: BorderMode, fill: Fill) -> Self {
        let border = Self { image, sides, mode, fill };
        let _ = border.output_size();
        border
    }

    fn places(&self, before: u32, side: u32, after: u32) -> Vec<Option<usize>> {
        let (before, side, after) = (i64::from(before), i64::from(side), i64::from(after));
        let place = |at: i64| match self.mode {
            BorderMode::Constant => (0..side).contains(&at).then_some(at),
            BorderMode::Edge => Some(at.clamp(0, side - 1)),
            BorderMode::Reflect => Some(reflected(at, side)),
            BorderMode::Symmetric => {
                let at = at.rem_euclid(2 * side);
                Some(at.min(2 * side - 1 - at))
            }
        };
        (-before..side + after).map(|at| place(at).map(|at| at as usize)).collect()
    }
}

/// A place beyond a side of this many pixels, mirrored at the outermost ones as often as it takes.
pub(crate) fn reflected(at: i64, side: i64) -> i64 {
    let period = (2 * side - 2).max(1);
    let at = at.rem_euclid(period);
    at.min(period - at)
}

impl Geometry for Border {
    fn input_size(&self) -> [u32; 2] {
        self.image
    }

    fn output_size(&self) -> [u32; 2] {
        let [left, top, right, bottom] = self.sides;
        let sum = |parts: [u32; 3]| {
            parts.iter().try_fold(0_u32, |sum, &part| sum.checked_add(part)).expect("the border is too wide")
        };
        [sum([top, self.image[0], bottom]), sum([left, self.image[1], right])]
    }

    fn point(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [left, top, ..] = self.sides.map(f64::from);
        [x + left, y + top]
    }

    fn bbox(&self, bbox: BoxXyxy) -> BoxXyxy {
        let ([left, top, ..], [height, width]) = (self.sides.map(f64::from), self.output_size());
        bbox.shifted(left, top).clamped(width, height)
    }

    fn sources(&self) -> Sources {
        let ([left, top, right, bottom], [height, width]) = (self.sides, self.image);
        Sources::axes(self.image, self.places(top, height, bottom), self.places(left, width, right))
    }

    fn image(&self, image: Image) -> Image {
        if self.sides == [0; 4] { image } else { self.sources().gather_image(&image, self.fill) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mvl_core::Channels;

    #[test]
    fn every_mode_by_hand() {
        let image = Image::new(3, 1, Channels::Gray, vec![1, 2, 3]).expect("three bytes");
        for (mode, expected) in [
            (BorderMode::Constant, [9, 9, 9, 9, 1, 2, 3, 9, 9]),
            (BorderMode::Edge, [1, 1, 1, 1, 1, 2, 3, 3, 3]),
            (BorderMode::Reflect, [1, 2, 3, 2, 1, 2, 3, 2, 1]),
            (BorderMode::Symmetric, [3, 3, 2, 1, 1, 2, 3, 3, 2]),
        ] {
            let border = Border::new([1, 3], [4, 0, 2, 0], mode, Fill::gray(9));
            assert_eq!(border.image(image.clone()).pixels(), expected, "{mode:?}");
        }
    }

    #[test]
    fn a_single_pixel_can_be_mirrored() {
        let image = Image::new(1, 1, Channels::Gray, vec![5]).expect("one byte");
        let border = Border::new([1, 1], [2, 1, 0, 0], BorderMode::Reflect, Fill::default());
        assert_eq!(border.image(image).pixels(), [5; 6]);
    }
}
