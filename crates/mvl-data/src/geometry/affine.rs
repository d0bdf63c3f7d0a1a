//! Turned, moved, grown and leaning, all at once.

use mvl_core::Image;

use super::affine_matrix::{AffineGrid, AffineMatrix};
use super::sampling::nearest;
use super::{Geometry, Sampling, Sources};

/// The numbers of an affine change; the default changes nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AffineParameters {
    /// Degrees, clockwise.
    pub angle: f64,
    /// Pixels to the right and down.
    pub translate: [f64; 2],
    /// Factor on lengths, above 0.
    pub scale: f64,
    /// Degrees by which it leans along x and y.
    pub shear: [f64; 2],
    /// The point that stays where it is, `[x, y]`; the middle unless said otherwise.
    pub center: Option<[f64; 2]>,
}

impl Default for AffineParameters {
    fn default() -> Self {
        Self { angle: 0.0, translate: [0.0; 2], scale: 1.0, shear: [0.0; 2], center: None }
    }
}

/// torchvision's `affine`. The image keeps its size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affine {
    size: [u32; 2],
    forward: AffineMatrix,
    grid: AffineGrid,
    sampling: Sampling,
}

impl Affine {
    /// For images of `[height, width]`.
    #[must_use]
    pub fn new(size: [u32; 2], change: AffineParameters, sampling: Sampling) -> Self {
        let middle = middle(size);
        let center = change.center.unwrap_or(middle);
        let from_middle = [center[0] - middle[0], center[1] - middle[1]];
        let inverse = AffineMatrix::inverse(&change, from_middle);
        let (forward, grid) = (AffineMatrix::forward(&change, center), AffineGrid::new(inverse, size, size));
        Self { size, forward, grid, sampling }
    }
}

/// The middle of an image of `[height, width]`, as `[x, y]`.
pub(super) fn middle([height, width]: [u32; 2]) -> [f64; 2] {
    [f64::from(width) * 0.5, f64::from(height) * 0.5]
}

impl Geometry for Affine {
    fn input_size(&self) -> [u32; 2] {
        self.size
    }

    fn output_size(&self) -> [u32; 2] {
        self.size
    }

    fn point(&self, point: [f64; 2]) -> [f64; 2] {
        self.forward.point(point)
    }

    fn sources(&self) -> Sources {
        nearest(self.size, self.size, |x, y| self.grid.at(x, y))
    }

    fn image(&self, image: Image) -> Image {
        self.sampling.image(&image, self.size, |x, y| self.grid.at(x, y))
    }
}
