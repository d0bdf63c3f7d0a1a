//! Convolution → batch normalisation → activation: the one block through which every convolution of every backbone goes, so
//! that a fused kernel can take over here and serve them all.
//!
//! `[N, C, H, W]` → `[N, K, H', W']`; padding keeps the size at stride 1, unless said otherwise.

use burn::config::Config;
use burn::module::{Initializer, Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig};
use burn::tensor::{Device, Tensor};
use mvl_core::{Fusable, Fuse, MixedForward};

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

/// Convolution without bias, batch normalisation, activation; [`fuse`](mvl_core::fuse()) folds the normalisation into the
/// convolution.
///
/// Batch statistics are used only on an autodiff device with the training flag on, as burn's batch norm does.
pub type ConvNormAct = Fusable<ConvNormActLayers>;

/// What a [`ConvNormAct`] is made of.
#[derive(Module, Debug)]
pub struct ConvNormActLayers {
    /// The convolution.
    pub conv: Conv2d,
    /// The normalisation, until it is folded into the convolution.
    pub norm: Option<BatchNorm>,
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
        Fusable::new(ConvNormActLayers { conv, norm: Some(norm), padding: self.padding, activation: self.activation })
    }
}

impl ConvNormActLayers {
    /// # Shapes
    /// `[N, C, H, W]` → `[N, K, ceil(H / stride), ceil(W / stride)]`, less with [`Padding::Valid`].
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let map = self.padding.convolve(&self.conv, input);
        let map = match &self.norm {
            Some(norm) => norm.forward_mixed(map),
            None => map,
        };
        self.activation.forward(map)
    }
}

impl Fuse for ConvNormActLayers {
    fn fuse(mut self) -> Self {
        if let Some(norm) = self.norm.take() {
            self.conv = fold_batch_norm(self.conv, &norm);
        }
        self
    }
}

/// The convolution that answers as this one with the normalisation after it: each output channel's kernel is scaled by
/// `gamma / √(running variance + epsilon)`, and its bias takes up the rest. Both are computed in the normalisation's type and
/// answered in the convolution's.
#[must_use]
pub fn fold_batch_norm(conv: Conv2d, norm: &BatchNorm) -> Conv2d {
    let own = conv.weight.val().dtype();
    let wide = norm.gamma.val().dtype();
    let scale = norm.gamma.val() / (norm.running_var.value() + norm.epsilon).sqrt(); // [K]
    let channels = scale.dims()[0];
    let offset = match &conv.bias {
        Some(bias) => bias.val().cast(wide) - norm.running_mean.value(),
        None => -norm.running_mean.value(),
    };
    let bias = norm.beta.val() + offset * scale.clone();
    let weight = conv.weight.val().cast(wide) * scale.reshape([channels, 1, 1, 1]); // [K, C / groups, height, width]
    let (weight, bias) = (weight.cast(own), bias.cast(own));
    Conv2d { weight: Param::from_tensor(weight), bias: Some(Param::from_tensor(bias)), ..conv }
}

#[cfg(test)]
mod tests {
    use burn::module::RunningState;
    use burn::tensor::{Distribution, TensorData};
    use mvl_core::{Backend, Cpu};

    use super::*;

    #[test]
    fn normalises_then_activates() {
        let device = Cpu::device(0).expect("a CPU");
        let mut block =
            ConvNormActConfig::new([1, 1], [1, 1]).with_epsilon(1e-12).with_activation(Activation::Relu6).init(&device);
        block.conv.weight = Initializer::Constant { value: 2.0 }.init([1, 1, 1, 1], &device);
        block.norm.as_mut().expect("not folded").beta = Initializer::Constant { value: 1.0 }.init([1], &device);
        let output = block.forward(Tensor::from_floats([[[[-3.0, 1.0], [2.0, 9.0]]]], &device));
        // running mean 0 and variance 1: 2 x + 1, clamped to 0..6
        output.into_data().assert_eq(&TensorData::from([[[[0.0f32, 3.0], [5.0, 6.0]]]]), true);
    }

    #[test]
    fn folded_it_answers_the_same_without_a_normalisation() {
        let device = Cpu::device(0).expect("a CPU");
        let mut block = ConvNormActConfig::new([4, 6], [3, 3]).with_groups(2).init(&device);
        let random = |low, high| Tensor::<1>::random([6], Distribution::Uniform(low, high), &device);
        block.norm = block.norm.take().map(|norm| BatchNorm {
            gamma: Param::from_tensor(random(-2.0, 2.0)),
            beta: Param::from_tensor(random(-1.0, 1.0)),
            running_mean: RunningState::new(random(-1.0, 1.0)),
            running_var: RunningState::new(random(0.5, 4.0)),
            ..norm
        });
        let images = Tensor::random([2, 4, 5, 7], Distribution::Normal(0.0, 1.0), &device);
        let fused = mvl_core::fuse(&block);
        assert!(fused.norm.is_none() && block.norm.is_some());
        assert_eq!(fused.num_params(), 6 * 2 * 9 + 6);
        let (before, after) = (block.forward(images.clone()), fused.forward(images));
        assert!((before - after).abs().max().into_scalar::<f32>() < 1e-5);
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
