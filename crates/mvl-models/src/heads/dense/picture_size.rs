//! Logits of cells to logits of pixels.

use burn::tensor::Tensor;
use mvl_core::full_precision;

use crate::layers::{Interpolation, resample};

/// Bilinear, to the size of the pictures; where that was not said, to as many pixels as the stride makes of the cells. In `f32` at
/// least, as losses want it.
///
/// # Shapes
/// `[N, K, h, w]` → `[N, K, H, W]`
pub(super) fn to_picture_size(logits: Tensor<4>, picture: Option<[usize; 2]>, stride: usize) -> Tensor<4> {
    let [_, _, rows, columns] = logits.dims();
    let size = picture.unwrap_or([rows * stride, columns * stride]);
    resample(full_precision(logits), size, Interpolation::Bilinear, false)
}
