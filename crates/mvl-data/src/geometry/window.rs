//! A rectangle that is kept of an image; it may reach beyond it.

use mvl_core::{BoxXyxy, Image};

use super::{Fill, Geometry, Sources};
use crate::ops::{CropBox, crop};

/// What is seen through a window; black where the window reaches beyond the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    image: [u32; 2],
    top: i64,
    left: i64,
    size: [u32; 2],
}

impl Window {
    /// A window of `size` on images of `image`, both `[height, width]`, whose first row and column are `top` and `left`: below 0
    /// above and to the left of the image.
    #[must_use]
    pub fn new(image: [u32; 2], [top, left]: [i64; 2], size: [u32; 2]) -> Self {
        Self { image, top, left, size }
    }

    /// A part of images of `image`, `[height, width]`.
    #[must_use]
    pub fn part(image: [u32; 2], area: CropBox) -> Self {
        Self::new(image, [i64::from(area.top), i64::from(area.left)], [area.height, area.width])
    }

    /// The middle. A half goes to the even neighbour where the image is larger, and up and to the left where the window is: the
    /// image is placed as torchvision places it, and boxes go along with it. (torchvision shifts boxes by a pixel more than the
    /// image when the window is larger by 3, 7, 11 …)
    #[must_use]
    pub fn centred(image: [u32; 2], size: [u32; 2]) -> Self {
        let start = |side: u32, kept: u32| {
            if kept > side {
                -i64::from((kept - side) / 2)
            } else {
                (f64::from(side - kept) / 2.0).round_ties_even() as i64
            }
        };
        Self::new(image, [start(image[0], size[0]), start(image[1], size[1])], size)
    }

    /// Whether it shows the image as it is.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.image == self.size && (self.top, self.left) == (0, 0)
    }

    /// The part of the image that is seen, if it lies inside of it wholly.
    fn inside(&self) -> Option<CropBox> {
        let (top, left) = (u32::try_from(self.top).ok()?, u32::try_from(self.left).ok()?);
        let area = CropBox { top, left, height: self.size[0], width: self.size[1] };
        area.fits(self.image[0], self.image[1]).then_some(area)
    }
}

impl Geometry for Window {
    fn input_size(&self) -> [u32; 2] {
        self.image
    }

    fn output_size(&self) -> [u32; 2] {
        self.size
    }

    fn point(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [x - self.left as f64, y - self.top as f64]
    }

    fn bbox(&self, bbox: BoxXyxy) -> BoxXyxy {
        bbox.shifted(-(self.left as f64), -(self.top as f64)).clamped(self.size[1], self.size[0])
    }

    fn sources(&self) -> Sources {
        let places = |start: i64, len: u32, side: u32| {
            let place = |at: u32| start.checked_add(i64::from(at)).filter(|place| (0..i64::from(side)).contains(place));
            (0..len).map(|at| place(at).map(|place| place as usize)).collect()
        };
        let [height, width] = self.image;
        Sources::axes(self.image, places(self.top, self.size[0], height), places(self.left, self.size[1], width))
    }

    fn image(&self, image: Image) -> Image {
        match self.inside() {
            Some(area) => crop(image, area),
            None => self.sources().gather_image(&image, Fill::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mvl_core::Channels;

    #[test]
    fn what_lies_outside_is_black() {
        let image = Image::new(2, 2, Channels::Gray, vec![1, 2, 3, 4]).expect("four bytes");
        let window = Window::new([2, 2], [-1, 1], [2, 2]);
        assert_eq!(window.image(image.clone()).pixels(), [0, 0, 2, 0]);
        assert_eq!(window.bbox(BoxXyxy::new(0.5, 0.5, 1.5, 2.0)), BoxXyxy::new(0.0, 1.5, 0.5, 2.0));
        assert_eq!(Window::new([2, 2], [5, i64::MAX], [1, 1]).image(image).pixels(), [0]);
    }

    #[test]
    fn the_middle_of_a_larger_and_of_a_smaller_image() {
        assert_eq!(Window::centred([5, 3], [2, 2]), Window::new([5, 3], [2, 0], [2, 2]));
        assert_eq!(Window::centred([1, 2], [4, 3]), Window::new([1, 2], [-1, 0], [4, 3]));
    }
}
