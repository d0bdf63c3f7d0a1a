//! Rows of length 1, as `torch.nn.functional.normalize` makes them. `[N, D]` → `[N, D]`

use burn::tensor::Tensor;

/// Shorter rows are divided by this.
const SHORTEST: f64 = 1e-12;

/// Divides each row by its length.
///
/// # Shapes
/// `[N, D]` → `[N, D]`
#[must_use]
pub fn unit_length(rows: Tensor<2>) -> Tensor<2> {
    // the clamp is on the square, so that a row of zeros has a gradient too
    let length = (rows.clone() * rows.clone()).sum_dim(1).clamp_min(SHORTEST * SHORTEST).sqrt(); // [N, 1]
    rows / length
}
