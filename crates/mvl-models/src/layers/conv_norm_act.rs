//! Convolution → batch normalisation → activation: the one block through which every convolution of every backbone goes, so
//! that a fused kernel can take over here and serve them all.
//!
//! `[N, C, H, W]` → `[N, K, H', W']`; padding keeps the size at stride 1, unless said otherwise.

use burn::config::Config;
use burn::module::{Initializer, Module};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig};
use burn::tensor::{Device, Tensor};

use super::activation::Activation;
use super::padding::Padding;

/// Configuration of a [`ConvNormAct`].
#[derive(Config, Debug)]
pub struct ConvNormActConfig {
    /// Input and output channels.
    pub channels: [usize; 2],
    /// Height and width of the kernel, odd.
    pub kernel: [usize; 2],
    /// Step along each side.
    #[config(default = 1)]
    pub stride: usize,
    /// Groups of channels that do not see each other; as many as channels make it depthwise.
    #[config(default = 1)]
    pub groups: usize,
    /// Distance between a kernel's cells.
    #[config(default = 1)]
    pub dilation: usize,
    /// What is added around the map.
    #[config(default = "Padding::Same")]
    pub padding: Padding,
    /// What follows the normalisation.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
    /// Added to the variance.
    #[config(default = 1e-5)]
    pub epsilon: f64,
    /// Share of the newest batch in the running statistics.
    #[config(default = 0.1)]
    pub momentum: f64,
    /// Whether the normalisation's scale starts at zero, so that a residual branch starts as nothing
    /// (Goyal et al. 2017, <https://arxiv.org/abs/1706.02677>).
    #[config(default = false)]
    pub zero_init: bool,
}

/// Convolution without bias, batch normalisation, activation.
///
/// Batch statistics are used only on an autodiff device with the training flag on, as burn's batch norm does.
#[derive(Module, Debug)]
pub struct ConvNormAct {
    /// The convolution.
    pub conv: Conv2d,
    /// The normalisation.
    pub norm: BatchNorm,
    /// What is added around the map.
    #[module(skip)]
    pub padding: Padding,
    /// What follows.
    #[module(skip)]
    pub activation: Activation,
}

impl ConvNormActConfig {
    /// Creates the block. Convolution weights are drawn from N(0, 2 / (output channels · kernel area)), He's initialisation
    /// by fan-out as torchvision does it: groups do not shrink the fan.
    ///
    /// # Panics
    /// If the kernel is even and the padding [`Padding::Same`], or the groups do not divide the channels.
    pub fn init(&self, device: &Device) -> ConvNormAct {
        let [_, out_channels] = self.channels;
        let fan_out = out_channels * self.kernel.iter().product::<usize>();
        let conv = Conv2dConfig::new(self.channels, self.kernel)
            .with_stride([self.stride; 2])
            .with_dilation([self.dilation; 2])
            .with_groups(self.groups)
            .with_padding(self.padding.of_convolution(self.kernel, self.dilation))
            .with_bias(false)
            .with_initializer(Initializer::Normal { mean: 0.0, std: (2.0 / fan_out as f64).sqrt() })
            .init(device);
        let mut norm =
            BatchNormConfig::new(out_channels).with_epsilon(self.epsilon).with_momentum(self.momentum).init(device);
        if self.zero_init {
            norm.gamma = Initializer::Zeros.init([out_channels], device);
        }
        ConvNormAct { conv, norm, padding: self.padding, activation: self.activation }
    }
}

impl ConvNormAct {
    /// # Shapes
    /// `[N, C, H, W]` → `[N, K, ceil(H / stride), ceil(W / stride)]`, less with [`Padding::Valid`].
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        self.activation.forward(self.norm.forward(self.padding.convolve(&self.conv, input)))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;
    use mvl_core::{Backend, Cpu};

    use super::*;

    #[test]
    fn normalises_then_activates() {
        let device = Cpu::device(0).expect("a CPU");
        let mut block =
            ConvNormActConfig::new([1, 1], [1, 1]).with_epsilon(1e-12).with_activation(Activation::Relu6).init(&device);
        block.conv.weight = Initializer::Constant { value: 2.0 }.init([1, 1, 1, 1], &device);
        block.norm.beta = Initializer::Constant { value: 1.0 }.init([1], &device);
        let output = block.forward(Tensor::from_floats([[[[-3.0, 1.0], [2.0, 9.0]]]], &device));
        // running mean 0 and variance 1: 2 x + 1, clamped to 0..6
        output.into_data().assert_eq(&TensorData::from([[[[0.0f32, 3.0], [5.0, 6.0]]]]), true);
    }

    #[test]
    fn stride_rounds_up_and_zero_init_silences() {
        let device = Cpu::device(0).expect("a CPU");
        let block = ConvNormActConfig::new([2, 4], [3, 3]).with_stride(2).with_zero_init(true).init(&device);
        let output = block.forward(Tensor::ones([1, 2, 5, 4], &device));
        assert_eq!(output.dims(), [1, 4, 3, 2]);
        assert_eq!(output.abs().max().into_scalar::<f32>(), 0.0);
    }
}
