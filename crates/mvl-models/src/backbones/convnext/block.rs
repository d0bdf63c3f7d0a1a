//! The block: 7×7 depthwise → layer normalisation → 1×1 to four times the channels → GELU → 1×1 back, added to the input.
//! `[N, C, H, W]` → `[N, C, H, W]`

use burn::config::Config;
use burn::module::{Initializer, Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{LayerNorm, LayerNormConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor};
use mvl_core::MixedForward;

use super::net::EPSILON;
use super::pointwise::{Pointwise, PointwiseKind};
use crate::layers::{Activation, DropPath, GlobalResponseNorm, small_conv};

const KERNEL: usize = 7;
const EXPANSION: usize = 4;

/// Configuration of a [`ConvNeXtBlock`].
#[derive(Config, Debug)]
pub struct ConvNeXtBlockConfig {
    /// Channels that come in and go out.
    pub channels: usize,
    /// How the two linear maps are kept.
    #[config(default = "PointwiseKind::Linear")]
    pub pointwise: PointwiseKind,
    /// Where the branch's factors begin, if it has them (version 1).
    pub layer_scale: Option<f64>,
    /// Whether channels compete after the activation (version 2).
    #[config(default = false)]
    pub response_norm: bool,
    /// Share of the samples that leave the branch out in training.
    #[config(default = 0.0)]
    pub drop_path: f64,
}

/// A residual block.
#[derive(Module, Debug)]
pub struct ConvNeXtBlock {
    conv_dw: Conv2d,
    norm: LayerNorm,
    fc1: Pointwise,
    grn: Option<GlobalResponseNorm>,
    fc2: Pointwise,
    /// `[C, 1, 1]`
    layer_scale: Option<Param<Tensor<3>>>,
    drop_path: DropPath,
}

impl ConvNeXtBlockConfig {
    /// Creates the block.
    pub fn init(&self, device: &Device) -> ConvNeXtBlock {
        let Self { channels, pointwise, .. } = *self;
        let hidden = EXPANSION * channels;
        let half = KERNEL / 2;
        let depthwise = Conv2dConfig::new([channels; 2], [KERNEL; 2])
            .with_groups(channels)
            .with_padding(PaddingConfig2d::Explicit(half, half, half, half));
        ConvNeXtBlock {
            conv_dw: small_conv(&depthwise, device),
            norm: LayerNormConfig::new(channels).with_epsilon(EPSILON).init(device),
            fc1: pointwise.init([channels, hidden], device),
            grn: self.response_norm.then(|| GlobalResponseNorm::new(hidden, device)),
            fc2: pointwise.init([hidden, channels], device),
            layer_scale: self.layer_scale.map(|value| Initializer::Constant { value }.init([channels, 1, 1], device)),
            drop_path: DropPath::new(self.drop_path),
        }
    }
}

impl ConvNeXtBlock {
    /// # Shapes
    /// `[N, C, H, W]` → `[N, C, H, W]`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let branch = self.conv_dw.forward_mixed(input.clone()).permute([0, 2, 3, 1]); // [N, H, W, C]
        let branch = Activation::Gelu.forward(self.fc1.forward(self.norm.forward_mixed(branch)));
        let branch = match &self.grn {
            Some(norm) => norm.forward(branch),
            None => branch,
        };
        let branch = self.fc2.forward(branch).permute([0, 3, 1, 2]); // [N, C, H, W]
        let branch = match &self.layer_scale {
            Some(scale) => branch * scale.val().unsqueeze(),
            None => branch,
        };
        self.drop_path.forward(branch) + input
    }
}
