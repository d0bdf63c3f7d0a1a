//! Vectors of length 1, as `torch.nn.functional.normalize` makes them. `[…, D]` → `[…, D]`

use burn::tensor::{DType, Tensor};
use mvl_core::in_full_precision;

/// Shorter vectors are divided by this.
const SHORTEST: f64 = 1e-12;
/// The same in `f16`, where the gradient of a vector of zeros would be infinite otherwise.
const SHORTEST_F16: f64 = 1e-3;

/// Divides each vector of the last axis by its length, which is computed in `f32` at least.
///
/// # Shapes
/// `[…, D]` → `[…, D]`
#[must_use]
pub fn unit_length<const R: usize>(vectors: Tensor<R>) -> Tensor<R> {
    let shortest = if vectors.dtype() == DType::F16 { SHORTEST_F16 } else { SHORTEST };
    in_full_precision(vectors, |vectors| {
        // the clamp is on the square, so that a vector of zeros has a gradient too
        let length = (vectors.clone() * vectors.clone()).sum_dim(R - 1).clamp_min(shortest * shortest).sqrt(); // […, 1]
        vectors / length
    })
}
