//! Layer normalisation over the channels of each cell of a map. Ba, Kiros, Hinton 2016, <https://arxiv.org/abs/1607.06450>.
//! `[N, C, H, W]` → `[N, C, H, W]`

use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig};
use burn::tensor::{Device, Tensor};
use mvl_core::MixedForward;

/// [`LayerNorm`] over the channels of a map.
#[derive(Module, Debug)]
pub struct LayerNorm2d {
    /// Over the last axis.
    pub norm: LayerNorm,
}

impl LayerNorm2d {
    /// With `epsilon` added to the variance.
    #[must_use]
    pub fn new(channels: usize, epsilon: f64, device: &Device) -> Self {
        Self { norm: LayerNormConfig::new(channels).with_epsilon(epsilon).init(device) }
    }

    /// # Shapes
    /// `[N, C, H, W]` → `[N, C, H, W]`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let channels_last = input.permute([0, 2, 3, 1]); // [N, H, W, C]
        self.norm.forward_mixed(channels_last).permute([0, 3, 1, 2])
    }
}
