//! A convolution that no normalisation follows: weights after He, biases at zero. `[N, C, H, W]` → `[N, K, H', W']`

use burn::module::Initializer;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::Device;

/// The shape of a convolution with a bias and a square kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BiasedConv {
    /// Input and output channels.
    pub channels: [usize; 2],
    /// Side of the kernel.
    pub kernel: usize,
    /// Step along each side.
    pub stride: usize,
    /// Cells added on all sides.
    pub padding: usize,
}

impl BiasedConv {
    /// Creates the convolution. Weights are drawn from N(0, 2 / (input channels · kernel area)): He, Zhang, Ren, Sun 2015,
    /// <https://arxiv.org/abs/1502.01852>.
    #[must_use]
    pub fn init(self, device: &Device) -> Conv2d {
        let Self { channels, kernel, stride, padding } = self;
        let mut conv = Conv2dConfig::new(channels, [kernel; 2])
            .with_stride([stride; 2])
            .with_padding(PaddingConfig2d::Explicit(padding, padding, padding, padding))
            .with_initializer(Initializer::KaimingNormal { gain: 2.0_f64.sqrt(), fan_out_only: false })
            .init(device);
        conv.bias = Some(Initializer::Zeros.init([channels[1]], device));
        conv
    }
}
