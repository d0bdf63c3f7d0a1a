//! The same linear map at every cell. timm keeps its matrix as a 1×1 convolution in small nets, as a linear layer in large ones.

use burn::config::Config;
use burn::module::Module;
use burn::nn::Linear;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::{Device, Tensor};
use mvl_core::MixedForward;

use crate::layers::{small_conv, transformer_linear};

/// How the matrix is kept.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum PointwiseKind {
    /// `[C, C']`
    Linear,
    /// `[C', C, 1, 1]`
    Conv,
}

/// A linear map of each cell's channels.
#[derive(Module, Debug)]
pub enum Pointwise {
    /// As a linear layer.
    Linear(Linear),
    /// As a convolution.
    Conv(Conv2d),
}

impl PointwiseKind {
    /// Creates the layer, with a bias.
    pub fn init(self, channels: [usize; 2], device: &Device) -> Pointwise {
        match self {
            Self::Linear => Pointwise::Linear(transformer_linear(channels, true, device)),
            Self::Conv => Pointwise::Conv(small_conv(&Conv2dConfig::new(channels, [1, 1]), device)),
        }
    }
}

impl Pointwise {
    /// # Shapes
    /// `[N, H, W, C]` → `[N, H, W, C']`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Linear(linear) => linear.forward_mixed(input),
            Self::Conv(conv) => conv.forward_mixed(input.permute([0, 3, 1, 2])).permute([0, 2, 3, 1]),
        }
    }
}
