//! What attention scores get from how two cells of a window lie to each other: a learnt table (version 1), or a small net of their
//! distance on a logarithmic scale (version 2). → `[1, heads, L, L]`

use burn::module::{Initializer, Module, Param, ParamId};
use burn::nn::Linear;
use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use mvl_core::MixedForward;

use crate::layers::{relative_position_bias, relative_position_index, transformer_linear, unit_length};

/// Width of version 2's net.
const HIDDEN: usize = 512;
/// Version 2's distances run from -8 to 8, and its scores from 0 to 16.
const FARTHEST: f32 = 8.0;
const MOST: f64 = 16.0;
/// Version 2's scores are scaled by 10 at first, by 100 at most.
const FIRST_SCALE: f64 = 10.0;
const LARGEST_SCALE: f64 = 100.0;

/// A row for each step from cell to cell.
#[derive(Module, Debug)]
pub struct PositionTable {
    /// `[(2 · window - 1)², heads]`
    relative_position_bias_table: Param<Tensor<2>>,
    /// `[L · L]`, a constant
    buffer_relative_position_index: Param<Tensor<1, Int>>,
}

/// A net of the step from cell to cell, and cosines in place of products.
#[derive(Module, Debug)]
pub struct ContinuousPositions {
    /// `[heads, 1, 1]`, as a logarithm
    logit_scale: Param<Tensor<3>>,
    fc1: Linear,
    fc2: Linear,
    /// `[1, 2 · window - 1, 2 · window - 1, 2]`, a constant
    buffer_relative_coords_table: Param<Tensor<4>>,
    /// `[L · L]`, a constant
    buffer_relative_position_index: Param<Tensor<1, Int>>,
}

/// Where scores get their positions from.
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "a net holds one kind")]
pub enum RelativePositions {
    /// Version 1.
    Table(PositionTable),
    /// Version 2.
    Continuous(ContinuousPositions),
}

impl RelativePositions {
    /// Version 1's.
    pub(super) fn table(window: usize, heads: usize, device: &Device) -> Self {
        let steps = (2 * window - 1) * (2 * window - 1);
        Self::Table(PositionTable {
            relative_position_bias_table: Initializer::Normal { mean: 0.0, std: 0.02 }.init([steps, heads], device),
            buffer_relative_position_index: index(window, device),
        })
    }

    /// Version 2's.
    pub(super) fn continuous(window: usize, heads: usize, device: &Device) -> Self {
        let steps = 2 * window - 1;
        let coordinates = TensorData::new(coordinates(window), [1, steps, steps, 2]);
        Self::Continuous(ContinuousPositions {
            logit_scale: Initializer::Constant { value: FIRST_SCALE.ln() }.init([heads, 1, 1], device),
            fc1: transformer_linear([2, HIDDEN], true, device),
            fc2: transformer_linear([HIDDEN, heads], false, device),
            buffer_relative_coords_table: Param::from_data(coordinates, device).set_require_grad(false),
            buffer_relative_position_index: index(window, device),
        })
    }

    /// Whether keys go without a bias.
    pub(super) fn is_continuous(&self) -> bool {
        matches!(self, Self::Continuous(_))
    }

    /// Scores without a mask.
    ///
    /// # Shapes
    /// `q` and `k`: `[windows, heads, L, C / heads]` → `[windows, heads, L, L]`
    pub(super) fn scores(&self, q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
        let [_, _, length, width] = q.dims();
        match self {
            Self::Table(positions) => {
                let table = positions.relative_position_bias_table.val();
                let index = positions.buffer_relative_position_index.val();
                (q * (width as f64).powf(-0.5)).matmul(k.swap_dims(2, 3)) + relative_position_bias(table, index, length)
            }
            Self::Continuous(positions) => {
                let scale = positions.logit_scale.val().clamp_max(LARGEST_SCALE.ln()).exp();
                let cosines = unit_length(q).matmul(unit_length(k).swap_dims(2, 3));
                cosines * scale.unsqueeze() + positions.bias(length)
            }
        }
    }
}

impl ContinuousPositions {
    /// → `[1, heads, L, L]`
    fn bias(&self, length: usize) -> Tensor<4> {
        let steps: Tensor<2> = self.buffer_relative_coords_table.val().flatten::<2>(0, 2); // [steps, 2]
        let table = self.fc2.forward_mixed(activation::relu(self.fc1.forward_mixed(steps))); // [steps, heads]
        let bias = relative_position_bias(table, self.buffer_relative_position_index.val(), length);
        activation::sigmoid(bias) * MOST
    }
}

fn index(window: usize, device: &Device) -> Param<Tensor<1, Int>> {
    let index = relative_position_index([window; 2]);
    let length = index.len();
    Param::initialized(ParamId::new(), Tensor::from_data(TensorData::new(index, [length]), device))
}

/// Row and column of each step on a logarithmic scale: `sign(x) · log₂(1 + |x|) / log₂ 8`, x from -8 to 8.
fn coordinates(window: usize) -> Vec<f32> {
    let farthest = window.max(2) as f32 - 1.0;
    let scaled = |step: usize| {
        let step = (step as f32 - (window as f32 - 1.0)) / farthest * FARTHEST;
        step.signum() * (step.abs() + 1.0).log2() / FARTHEST.log2()
    };
    let steps = 0..2 * window - 1;
    steps.clone().flat_map(|row| steps.clone().flat_map(move |column| [scaled(row), scaled(column)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_on_a_logarithmic_scale() {
        let far = 9.0_f32.log2() / 3.0;
        let [a, b, c] = [-far, 0.0, far];
        assert_eq!(coordinates(2), [a, a, a, b, a, c, b, a, b, b, b, c, c, a, c, b, c, c]);
    }
}
