//! The two matrices of an affine change, and the grid that looks pixels up.
//!
//! # Source
//! `_get_inverse_affine_matrix` and `_affine_grid` of torchvision.

use super::AffineParameters;
use super::sampling::weighted_sum;

/// `[x', y'] = [a x + b y + c, d x + e y + f]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct AffineMatrix([f64; 6]);

impl AffineMatrix {
    /// Where a point goes when everything turns, grows and leans around `centre`.
    pub(super) fn forward(change: &AffineParameters, [cx, cy]: [f64; 2]) -> Self {
        let (scale, [tx, ty]) = (change.scale, change.translate);
        let [a, b, d, e] = turned_and_leaning(change).map(|part| part * scale);
        Self([a, b, cx + tx - a * cx - b * cy, d, e, cy + ty - d * cx - e * cy])
    }

    /// Where a point came from.
    pub(super) fn inverse(change: &AffineParameters, [cx, cy]: [f64; 2]) -> Self {
        let (scale, [tx, ty]) = (change.scale, change.translate);
        let [a, b, d, e] = turned_and_leaning(change); // its determinant is 1
        let [a, b, d, e] = [e, -b, -d, a].map(|part| part / scale);
        Self([a, b, cx - a * (cx + tx) - b * (cy + ty), d, e, cy - d * (cx + tx) - e * (cy + ty)])
    }

    pub(super) fn point(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [a, b, c, d, e, f] = self.0;
        [a * x + b * y + c, d * x + e * y + f]
    }

    /// In 32-bit floats, as rows of the matrix.
    pub(super) fn rows(&self) -> [[f32; 3]; 2] {
        let [a, b, c, d, e, f] = self.0.map(|part| part as f32);
        [[a, b, c], [d, e, f]]
    }
}

fn turned_and_leaning(change: &AffineParameters) -> [f64; 4] {
    let (angle, [sx, sy]) = (change.angle.to_radians(), change.shear.map(f64::to_radians));
    let a = (angle - sy).cos() / sy.cos();
    let b = -(a * sx.tan() + angle.sin());
    let d = (angle - sy).sin() / sy.cos();
    let e = angle.cos() - d * sx.tan();
    [a, b, d, e]
}

/// Where each pixel of an image of `to` is looked up in one of `from`. The matrix is the inverse one, with (0, 0) in the middle
/// of the image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct AffineGrid {
    to: [u32; 2],
    x: [f32; 3],
    y: [f32; 3],
}

impl AffineGrid {
    pub(super) fn new(inverse: AffineMatrix, [height, width]: [u32; 2], to: [u32; 2]) -> Self {
        let [x, y] = inverse.rows();
        Self { to, x: x.map(|part| part / (0.5 * width as f32)), y: y.map(|part| part / (0.5 * height as f32)) }
    }

    pub(super) fn at(&self, x: u32, y: u32) -> [f32; 2] {
        let centred = |at: u32, side: u32| at as f32 - (side as f32 - 1.0) * 0.5;
        let (x, y) = (centred(x, self.to[1]), centred(y, self.to[0]));
        [weighted_sum(self.x, x, y), weighted_sum(self.y, x, y)]
    }
}
