//! Four neighbouring cells become one of twice the width. `[N, H, W, C]` → `[N, ceil(H / 2), ceil(W / 2), 2 C]`

use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig, Linear};
use burn::tensor::{Device, Tensor};
use mvl_core::MixedForward;

use super::net::{EPSILON, SwinVersion};
use crate::layers::transformer_linear;

/// Neighbours side by side, a linear layer, and a normalisation: before it in version 1, after it in version 2.
#[derive(Module, Debug)]
pub struct PatchMerging {
    reduction: Linear,
    norm: LayerNorm,
    #[module(skip)]
    version: SwinVersion,
}

impl PatchMerging {
    /// For maps of this many channels.
    pub(super) fn new(version: SwinVersion, channels: usize, device: &Device) -> Self {
        let normalised = match version {
            SwinVersion::V1 => 4 * channels,
            SwinVersion::V2 => 2 * channels,
        };
        Self {
            reduction: transformer_linear([4 * channels, 2 * channels], false, device),
            norm: LayerNormConfig::new(normalised).with_epsilon(EPSILON).init(device),
            version,
        }
    }

    /// # Shapes
    /// `[N, H, W, C]` → `[N, ceil(H / 2), ceil(W / 2), 2 C]`
    #[must_use]
    pub fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        let neighbours = neighbours(map);
        match self.version {
            SwinVersion::V1 => self.reduction.forward_mixed(self.norm.forward_mixed(neighbours)),
            SwinVersion::V2 => self.norm.forward_mixed(self.reduction.forward_mixed(neighbours)),
        }
    }
}

/// The channels of upper left, lower left, upper right, lower right; zeros where a border has none.
///
/// # Shapes
/// `[N, H, W, C]` → `[N, ceil(H / 2), ceil(W / 2), 4 C]`
fn neighbours(map: Tensor<4>) -> Tensor<4> {
    let [count, height, width, channels] = map.dims();
    let map =
        if height % 2 + width % 2 == 0 { map } else { map.pad([(0, 0), (0, height % 2), (0, width % 2), (0, 0)], 0.0) };
    let [rows, columns] = [height, width].map(|side| side.div_ceil(2));
    map.reshape([count, rows, 2, columns, 2, channels])
        .permute([0, 1, 3, 4, 2, 5]) // [N, rows, columns, right, lower, C]
        .reshape([count, rows, columns, 4 * channels])
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;
    use mvl_core::{Backend, Cpu};

    use super::*;

    #[test]
    fn neighbours_come_column_by_column() {
        let device = Cpu::device(0).expect("a CPU");
        let map = Tensor::<4>::from_floats([[[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]]], &device);
        let expected = [[[[1.0f32, 4.0, 2.0, 5.0], [3.0, 6.0, 0.0, 0.0]]]];
        neighbours(map).into_data().assert_eq(&TensorData::from(expected), true);
    }
}
