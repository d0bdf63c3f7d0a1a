//! What is added around a map before a convolution: as much on both sides (PyTorch), nothing, or TensorFlow's `SAME`, which
//! depends on the map's size and may add more at the end than at the beginning.

use burn::nn::PaddingConfig2d;
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use mvl_core::MixedForward;
use serde::{Deserialize, Serialize};

/// What is added around a map before a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// Half the kernel on all sides, so that stride 1 keeps the size.
    Same,
    /// Nothing.
    Valid,
    /// TensorFlow's `SAME`: as much as makes the output `ceil(side / stride)`, an odd cell at the end.
    TensorFlow,
}

impl Padding {
    /// What burn's convolution adds by itself.
    ///
    /// # Panics
    /// If the kernel is even and this is [`Padding::Same`].
    #[must_use]
    pub fn of_convolution(self, kernel: [usize; 2], dilation: usize) -> PaddingConfig2d {
        match self {
            Self::Same => {
                assert!(kernel.iter().all(|side| side % 2 == 1), "expected an odd kernel, got {kernel:?}");
                let [rows, columns] = kernel.map(|side| side / 2 * dilation);
                PaddingConfig2d::Explicit(rows, columns, rows, columns)
            }
            Self::Valid | Self::TensorFlow => PaddingConfig2d::Valid,
        }
    }

    /// Applies a convolution that was made with [`of_convolution`](Self::of_convolution).
    ///
    /// # Shapes
    /// `[N, C, H, W]` → `[N, K, H', W']`
    #[must_use]
    pub fn convolve(self, conv: &Conv2d, input: Tensor<4>) -> Tensor<4> {
        if self != Self::TensorFlow {
            return conv.forward_mixed(input);
        }
        let [_, _, height, width] = input.dims();
        let along = |axis: usize, side: usize| {
            tensorflow_same(side, conv.kernel_size[axis], conv.stride[axis], conv.dilation[axis])
        };
        let ((top, bottom), (left, right)) = (along(0, height), along(1, width));
        if [top, bottom, left, right] == [0; 4] {
            return conv.forward_mixed(input);
        }
        conv.forward_mixed(input.pad((left, right, top, bottom), 0.0))
    }
}

/// Cells before and after a side.
fn tensorflow_same(side: usize, kernel: usize, stride: usize, dilation: usize) -> (usize, usize) {
    let covered = (side.div_ceil(stride) - 1) * stride + (kernel - 1) * dilation + 1;
    let total = covered.saturating_sub(side);
    (total / 2, total - total / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_odd_cell_comes_last() {
        assert_eq!(tensorflow_same(224, 3, 2, 1), (0, 1));
        assert_eq!(tensorflow_same(7, 3, 2, 1), (1, 1));
        assert_eq!(tensorflow_same(14, 5, 1, 1), (2, 2));
        assert_eq!(tensorflow_same(8, 1, 2, 1), (0, 0));
    }
}
