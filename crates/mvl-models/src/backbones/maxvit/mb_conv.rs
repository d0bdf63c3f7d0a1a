//! The inverted residual with a normalisation before it and squeeze and excitation in it.
//! `[N, C, H, W]` → `[N, C', H / stride, W / stride]`

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{AvgPool2d, AvgPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor};
use mvl_core::MixedForward;

use super::net::{EPSILON, MOMENTUM};
use crate::layers::{
    Activation, ConvNormAct, ConvNormActConfig, DropPath, SqueezeExcite, SqueezeExciteConfig, small_conv,
};

const EXPANSION: usize = 4;
/// Of the output channels, one in so many is left when squeezed.
const SQUEEZE: usize = 4;

/// Normalisation → 1×1 to four times the channels → 3×3 depthwise with the stride → squeeze and excitation → 1×1, added to the input,
/// which is averaged and projected where size or channels change.
#[derive(Module, Debug)]
pub struct MbConv {
    pool: Option<AvgPool2d>,
    proj: Option<Conv2d>,
    pre_norm: BatchNorm,
    conv_a: ConvNormAct,
    conv_b: ConvNormAct,
    squeeze_excitation: SqueezeExcite,
    conv_c: Conv2d,
    drop_path: DropPath,
}

impl MbConv {
    /// Creates the block; in training `drop_path` of the samples leave its branch out.
    #[must_use]
    pub fn new([input, output]: [usize; 2], stride: usize, drop_path: f64, device: &Device) -> Self {
        let hidden = EXPANSION * output;
        let activated = |channels, kernel| {
            ConvNormActConfig::new(channels, [kernel; 2])
                .with_activation(Activation::Gelu)
                .with_epsilon(EPSILON)
                .with_momentum(MOMENTUM)
        };
        let pool = AvgPool2dConfig::new([3, 3]).with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1));
        let squeeze = SqueezeExciteConfig::new(hidden, output / SQUEEZE).with_activation(Activation::Silu);
        Self {
            pool: (stride != 1).then(|| pool.with_strides([stride; 2]).init()),
            proj: (stride != 1 || input != output)
                .then(|| small_conv(&Conv2dConfig::new([input, output], [1, 1]), device)),
            pre_norm: BatchNormConfig::new(input).with_epsilon(EPSILON).with_momentum(MOMENTUM).init(device),
            conv_a: activated([input, hidden], 1).init(device),
            conv_b: activated([hidden; 2], 3).with_groups(hidden).with_stride(stride).init(device),
            squeeze_excitation: squeeze.init(device),
            conv_c: small_conv(&Conv2dConfig::new([hidden, output], [1, 1]), device),
            drop_path: DropPath::new(drop_path),
        }
    }

    /// # Shapes
    /// `[N, C, H, W]` → `[N, C', H / stride, W / stride]`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let branch = self.conv_a.forward(self.pre_norm.forward_mixed(input.clone()));
        let branch = self.squeeze_excitation.forward(self.conv_b.forward(branch));
        let branch = self.drop_path.forward(self.conv_c.forward_mixed(branch));
        let shortcut = match &self.pool {
            Some(pool) => pool.forward(input),
            None => input,
        };
        let shortcut = match &self.proj {
            Some(proj) => proj.forward_mixed(shortcut),
            None => shortcut,
        };
        shortcut + branch
    }
}
