//! One step of MobileNetV2: a chain of convolutions, with the input added where size and channels stay the same.
//! `[N, C, H, W]` → `[N, C', H / stride, W / stride]`

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::layers::{Activation, ConvNormAct, ConvNormActConfig};

/// A chain of [`ConvNormAct`]s: the inverted residual block, and with one link the net's first and last convolution.
#[derive(Module, Debug)]
pub struct ConvChain {
    layers: Vec<ConvNormAct>,
    residual: bool,
}

impl ConvChain {
    /// One convolution with ReLU6.
    pub(super) fn single(channels: [usize; 2], kernel: usize, stride: usize, device: &Device) -> Self {
        Self { layers: vec![relu6(channels, kernel).with_stride(stride).init(device)], residual: false }
    }

    /// The inverted residual: 1×1 to `expansion` times the channels (left out when that is 1), 3×3 depthwise with the stride,
    /// 1×1 to the output channels without activation; the input is added at stride 1 and equal channels.
    pub(super) fn inverted_residual(
        [input, output]: [usize; 2],
        stride: usize,
        expansion: usize,
        device: &Device,
    ) -> Self {
        let hidden = input * expansion;
        let expand = (expansion != 1).then(|| relu6([input, hidden], 1));
        let depthwise = relu6([hidden, hidden], 3).with_groups(hidden).with_stride(stride);
        let project = ConvNormActConfig::new([hidden, output], [1; 2]).with_activation(Activation::Identity);
        let layers = expand.into_iter().chain([depthwise, project]).map(|config| config.init(device)).collect();
        Self { layers, residual: stride == 1 && input == output }
    }

    /// # Shapes
    /// `[N, C, H, W]` → `[N, C', H / stride, W / stride]`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        if !self.residual {
            return self.branch(input);
        }
        self.branch(input.clone()) + input
    }

    fn branch(&self, input: Tensor<4>) -> Tensor<4> {
        self.layers.iter().fold(input, |map, layer| layer.forward(map))
    }
}

fn relu6(channels: [usize; 2], kernel: usize) -> ConvNormActConfig {
    ConvNormActConfig::new(channels, [kernel; 2]).with_activation(Activation::Relu6)
}
