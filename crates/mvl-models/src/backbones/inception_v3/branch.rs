//! One branch of a mixed block: convolutions in a row, and at the end perhaps two side by side. `[N, C, H, W]` → `[N, C', H', W']`

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::layers::{ConvNormAct, ConvNormActConfig, Padding, widen};

/// Added to the variance, more than usual.
const EPSILON: f64 = 1e-3;

/// A convolution of a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvShape {
    /// Height and width.
    pub kernel: [usize; 2],
    /// Channels that go out.
    pub channels: usize,
    /// Step along each side.
    pub stride: usize,
    /// What is added around the map.
    pub padding: Padding,
}

impl ConvShape {
    /// Keeps the map's size.
    #[must_use]
    pub const fn same(kernel: [usize; 2], channels: usize) -> Self {
        Self { kernel, channels, stride: 1, padding: Padding::Same }
    }

    /// 3×3 without padding.
    #[must_use]
    pub const fn valid(channels: usize, stride: usize) -> Self {
        Self { kernel: [3, 3], channels, stride, padding: Padding::Valid }
    }

    /// Creates the convolution; returns it with the channels that go out.
    pub(super) fn init(self, in_channels: usize, width: f64, device: &Device) -> (ConvNormAct, usize) {
        let channels = widen(self.channels, width);
        let config = ConvNormActConfig::new([in_channels, channels], self.kernel)
            .with_stride(self.stride)
            .with_padding(self.padding)
            .with_epsilon(EPSILON);
        (config.init(device), channels)
    }
}

/// Convolutions in a row, and then perhaps a 1×3 and a 3×1 one side by side.
#[derive(Module, Debug)]
pub struct Branch {
    convs: Vec<ConvNormAct>,
    split: Vec<ConvNormAct>,
}

impl Branch {
    /// `split` is the channels of each of the two convolutions side by side. Returns the branch with the channels that go out.
    pub(super) fn new(
        convs: &[ConvShape],
        split: Option<usize>,
        in_channels: usize,
        width: f64,
        device: &Device,
    ) -> (Self, usize) {
        let mut channels = in_channels;
        let convs = convs.iter().map(|shape| {
            let (conv, out) = shape.init(channels, width, device);
            channels = out;
            conv
        });
        let convs: Vec<_> = convs.collect();
        let Some(side) = split else { return (Self { convs, split: vec![] }, channels) };
        let sides = [[1, 3], [3, 1]].map(|kernel| ConvShape::same(kernel, side).init(channels, width, device));
        let channels = sides.iter().map(|(_, channels)| channels).sum();
        (Self { convs, split: sides.into_iter().map(|(conv, _)| conv).collect() }, channels)
    }

    /// # Shapes
    /// `[N, C, H, W]` → `[N, C', H', W']`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let map = self.convs.iter().fold(input, |map, conv| conv.forward(map));
        if self.split.is_empty() {
            return map;
        }
        Tensor::cat(self.split.iter().map(|conv| conv.forward(map.clone())).collect(), 1)
    }
}
