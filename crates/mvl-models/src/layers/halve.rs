//! A map at half the size, 2×2 cells averaged: `[N, C, H, W]` → `[N, C, ceil(H / 2), ceil(W / 2)]`. At an odd side's end there is
//! one cell to average, or two, as torch's `AvgPool2d(2, ceil_mode=True, count_include_pad=False)` does it.

use burn::tensor::Tensor;
use burn::tensor::module::avg_pool2d;
use burn::tensor::ops::AvgPoolOptions;

/// Averages 2×2 cells.
///
/// # Shapes
/// `[N, C, H, W]` → `[N, C, ceil(H / 2), ceil(W / 2)]`
#[must_use]
pub fn halve(map: Tensor<4>) -> Tensor<4> {
    // an odd side's last cells twice: their mean is that of what is there
    let map = [2, 3].into_iter().fold(map, |map, axis| {
        let side = map.dims()[axis];
        if side % 2 == 0 {
            return map;
        }
        let last = map.clone().narrow(axis, side - 1, 1);
        Tensor::cat(vec![map, last], axis)
    });
    avg_pool2d(map, AvgPoolOptions::new([2, 2]).with_stride([2, 2]))
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;
    use mvl_core::{Backend, Cpu};

    use super::*;

    #[test]
    fn an_odd_side_ends_with_what_is_there() {
        let device = Cpu::device(0).expect("a CPU");
        let map = Tensor::from_floats([[[[1.0, 3.0, 5.0], [3.0, 5.0, 7.0], [2.0, 4.0, 9.0]]]], &device);
        halve(map).into_data().assert_eq(&TensorData::from([[[[3.0f32, 6.0], [3.0, 9.0]]]]), true);
    }
}
