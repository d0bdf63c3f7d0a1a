//! Dense layers in blocks, and what lies between two blocks.

use burn::module::{Initializer, Module};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{AvgPool2d, AvgPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Dropout, DropoutConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use mvl_core::MixedForward;

use crate::layers::{ConvNormAct, ConvNormActConfig};

/// Channels of a layer's inner map for each that it adds.
const BOTTLENECK: usize = 4;

/// Normalisation → ReLU → 1×1 convolution → normalisation → ReLU → 3×3 convolution.
#[derive(Module, Debug)]
pub struct DenseLayer {
    norm1: BatchNorm,
    /// The first convolution and the second normalisation.
    inner: ConvNormAct,
    conv2: Conv2d,
    dropout: Dropout,
}

impl DenseLayer {
    /// Adds `growth` channels to `channels`; in training, drops a share of what it adds.
    #[must_use]
    pub fn new(channels: usize, growth: usize, dropout: f64, device: &Device) -> Self {
        let inner = BOTTLENECK * growth;
        Self {
            norm1: BatchNormConfig::new(channels).init(device),
            inner: ConvNormActConfig::new([channels, inner], [1, 1]).init(device),
            conv2: conv([inner, growth], 3, device),
            dropout: DropoutConfig::new(dropout).init(),
        }
    }

    /// # Shapes
    /// `[N, C, H, W]` → `[N, C + growth, H, W]`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let inner = self.inner.forward(relu(self.norm1.forward_mixed(input.clone()))); // [N, 4 · growth, H, W]
        let found = self.conv2.forward_mixed(inner); // [N, growth, H, W]
        Tensor::cat(vec![input, self.dropout.forward(found)], 1)
    }
}

/// Dense layers in a row.
#[derive(Module, Debug)]
pub struct DenseBlock {
    denselayer: Vec<DenseLayer>,
}

impl DenseBlock {
    /// `depth` layers that each add `growth` channels.
    #[must_use]
    pub fn new(depth: usize, channels: usize, growth: usize, dropout: f64, device: &Device) -> Self {
        let layer = |layer| DenseLayer::new(channels + layer * growth, growth, dropout, device);
        Self { denselayer: (0..depth).map(layer).collect() }
    }

    /// # Shapes
    /// `[N, C, H, W]` → `[N, C + depth · growth, H, W]`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        self.denselayer.iter().fold(input, |map, layer| layer.forward(map))
    }
}

/// Between two blocks: normalisation → ReLU → 1×1 convolution → average pool, half the channels on half the sides.
#[derive(Module, Debug)]
pub struct Transition {
    norm: BatchNorm,
    conv: Conv2d,
    pool: AvgPool2d,
}

impl Transition {
    /// From `channels` to half as many.
    #[must_use]
    pub fn new(channels: usize, device: &Device) -> Self {
        Self {
            norm: BatchNormConfig::new(channels).init(device),
            conv: conv([channels, channels / 2], 1, device),
            pool: AvgPool2dConfig::new([2, 2]).init(),
        }
    }

    /// # Shapes
    /// `[N, C, H, W]` → `[N, C / 2, H / 2, W / 2]`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        self.pool.forward(self.conv.forward_mixed(relu(self.norm.forward_mixed(input))))
    }
}

/// A convolution without bias that keeps the size, its weights drawn after He by fan-in.
fn conv(channels: [usize; 2], kernel: usize, device: &Device) -> Conv2d {
    let half = kernel / 2;
    Conv2dConfig::new(channels, [kernel; 2])
        .with_padding(PaddingConfig2d::Explicit(half, half, half, half))
        .with_bias(false)
        .with_initializer(Initializer::KaimingNormal { gain: 2.0_f64.sqrt(), fan_out_only: false })
        .init(device)
}
