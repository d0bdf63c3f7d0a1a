//! Mirror images.

use mvl_core::{BoxXyxy, Image};

use super::{Geometry, Sources};
use crate::ops::{horizontal_flip, vertical_flip};

/// Left and right swapped, or top and bottom.
///
/// Boxes are not cut off at the image's edges, as in torchvision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flip {
    size: [u32; 2],
    axis: Axis,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Axis {
    Horizontal,
    Vertical,
}

impl Flip {
    /// Left becomes right, for images of `[height, width]`.
    #[must_use]
    pub fn horizontal(size: [u32; 2]) -> Self {
        Self { size, axis: Axis::Horizontal }
    }

    /// Top becomes bottom, for images of `[height, width]`.
    #[must_use]
    pub fn vertical(size: [u32; 2]) -> Self {
        Self { size, axis: Axis::Vertical }
    }

    /// A point, where the last coordinate on each axis is the side less `less`.
    fn mirrored(&self, [x, y]: [f64; 2], less: f64) -> [f64; 2] {
        let [height, width] = self.size.map(|side| f64::from(side) - less);
        match self.axis {
            Axis::Horizontal => [width - x, y],
            Axis::Vertical => [x, height - y],
        }
    }
}

impl Geometry for Flip {
    fn input_size(&self) -> [u32; 2] {
        self.size
    }

    fn output_size(&self) -> [u32; 2] {
        self.size
    }

    fn point(&self, point: [f64; 2]) -> [f64; 2] {
        self.mirrored(point, 0.0)
    }

    fn keypoint(&self, point: [f64; 2]) -> [f64; 2] {
        self.mirrored(point, 1.0)
    }

    fn bbox(&self, bbox: BoxXyxy) -> BoxXyxy {
        let ([x1, y1], [x2, y2]) = (self.point([bbox.x1, bbox.y1]), self.point([bbox.x2, bbox.y2]));
        match self.axis {
            Axis::Horizontal => BoxXyxy::new(x2, y1, x1, y2),
            Axis::Vertical => BoxXyxy::new(x1, y2, x2, y1),
        }
    }

    fn sources(&self) -> Sources {
        let [height, width] = self.size.map(|side| (0..side as usize).map(Some));
        match self.axis {
            Axis::Horizontal => Sources::axes(self.size, height.collect(), width.rev().collect()),
            Axis::Vertical => Sources::axes(self.size, height.rev().collect(), width.collect()),
        }
    }

    fn image(&self, image: Image) -> Image {
        match self.axis {
            Axis::Horizontal => horizontal_flip(image),
            Axis::Vertical => vertical_flip(image),
        }
    }
}
