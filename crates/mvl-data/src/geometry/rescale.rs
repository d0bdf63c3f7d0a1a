//! An image brought to another size.

use mvl_core::{BoxXyxy, Filter, Image};

use super::{Geometry, Sources};
use crate::ops::resize;

/// Another size; the aspect ratio may change.
///
/// The image is resampled as Pillow does. Masks and class maps take pixel `⌊i · old / new⌋` for pixel i, which is what
/// torchvision's `NEAREST` does with tensors. Boxes are not cut off at the image's edges, as in torchvision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rescale {
    from: [u32; 2],
    to: [u32; 2],
    filter: Filter,
}

impl Rescale {
    /// From one `[height, width]` to another.
    #[must_use]
    pub fn new(from: [u32; 2], to: [u32; 2], filter: Filter) -> Self {
        Self { from, to, filter }
    }

    /// The source of each pixel along a side, in 32-bit floats as in PyTorch.
    pub(super) fn places(from: u32, to: u32) -> impl Iterator<Item = usize> {
        let scale = from as f32 / to as f32;
        (0..to).map(move |at| ((at as f32 * scale) as usize).min(from as usize - 1))
    }
}

impl Geometry for Rescale {
    fn input_size(&self) -> [u32; 2] {
        self.from
    }

    fn output_size(&self) -> [u32; 2] {
        self.to
    }

    fn point(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let ratio = |axis: usize| f64::from(self.to[axis]) / f64::from(self.from[axis]);
        [x * ratio(1), y * ratio(0)]
    }

    fn bbox(&self, bbox: BoxXyxy) -> BoxXyxy {
        let ([x1, y1], [x2, y2]) = (self.point([bbox.x1, bbox.y1]), self.point([bbox.x2, bbox.y2]));
        BoxXyxy::new(x1, y1, x2, y2)
    }

    fn sources(&self) -> Sources {
        let [rows, columns] = [0, 1].map(|axis| Self::places(self.from[axis], self.to[axis]).map(Some).collect());
        Sources::axes(self.from, rows, columns)
    }

    fn image(&self, image: Image) -> Image {
        if self.from == self.to { image } else { resize(&image, self.to, self.filter) }
    }
}
