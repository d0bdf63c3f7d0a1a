//! The residual block: `relu(branch(x) + shortcut(x))`, `[N, C, H, W]` → `[N, C', H / stride, W / stride]`.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor, activation};

use crate::layers::{Activation, ConvNormAct, ConvNormActConfig, SqueezeExcite, SqueezeExciteConfig, halve};

/// Channels for which [`ResidualBlockConfig::width_per_group`] is said.
const BASE_CHANNELS: usize = 64;
/// Channels for each channel in between, in squeeze and excitation, which are a multiple of the second number.
const SQUEEZE: [usize; 2] = [16, 8];

/// The two shapes of the branch.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum BlockKind {
    /// 3×3, 3×3.
    Basic,
    /// 1×1, 3×3, 1×1 with four times the channels.
    Bottleneck,
}

impl BlockKind {
    /// Output channels for each channel of the inner convolutions.
    #[must_use]
    pub fn expansion(self) -> usize {
        match self {
            Self::Basic => 1,
            Self::Bottleneck => 4,
        }
    }
}

/// Configuration of a [`ResidualBlock`].
#[derive(Config, Debug)]
pub struct ResidualBlockConfig {
    /// The branch's shape.
    pub kind: BlockKind,
    /// Channels that come in.
    pub in_channels: usize,
    /// Channels of the inner convolutions; [`BlockKind::expansion`] times as many go out.
    pub channels: usize,
    /// Step of the first 3×3 convolution and of the shortcut.
    #[config(default = 1)]
    pub stride: usize,
    /// Whether the branch starts as nothing.
    #[config(default = false)]
    pub zero_init: bool,
    /// Groups of the 3×3 convolution in a bottleneck (Xie et al. 2016, <https://arxiv.org/abs/1611.05431>).
    #[config(default = 1)]
    pub groups: usize,
    /// Channels of each group in a bottleneck with 64 channels; others have in proportion.
    #[config(default = 64)]
    pub width_per_group: usize,
    /// Whether a shortcut of stride 2 averages 2×2 cells before its convolution, which then has stride 1 (He et al. 2018,
    /// <https://arxiv.org/abs/1812.01187>, ResNet-D).
    #[config(default = false)]
    pub average_shortcut: bool,
    /// Whether the branch ends with squeeze and excitation (Hu et al. 2017, <https://arxiv.org/abs/1709.01507>).
    #[config(default = false)]
    pub squeeze: bool,
}

/// A residual block. Where size or channels change, the shortcut is a 1×1 convolution (the paper's option B).
#[derive(Module, Debug)]
pub struct ResidualBlock {
    conv1: ConvNormAct,
    conv2: ConvNormAct,
    conv3: Option<ConvNormAct>,
    se: Option<SqueezeExcite>,
    downsample: Option<ConvNormAct>,
    average_shortcut: bool,
}

impl ResidualBlockConfig {
    /// Creates the block. In a bottleneck the 3×3 convolution carries the stride ("v1.5", as torchvision), not the first 1×1 as
    /// in the paper.
    pub fn init(&self, device: &Device) -> ResidualBlock {
        let out = self.channels * self.kind.expansion();
        let (inner, groups) = match self.kind {
            BlockKind::Basic => (self.channels, 1),
            BlockKind::Bottleneck => {
                let width = (self.channels * self.width_per_group / BASE_CHANNELS).max(1);
                (width * self.groups, self.groups)
            }
        };
        let last = |from, kernel, stride| {
            ConvNormActConfig::new([from, out], [kernel; 2])
                .with_stride(stride)
                .with_activation(Activation::Identity)
                .with_zero_init(self.zero_init)
                .init(device)
        };
        let strided = |from| {
            ConvNormActConfig::new([from, inner], [3; 2]).with_stride(self.stride).with_groups(groups).init(device)
        };
        let (conv1, conv2, conv3) = match self.kind {
            BlockKind::Basic => (strided(self.in_channels), last(inner, 3, 1), None),
            BlockKind::Bottleneck => {
                let narrow = ConvNormActConfig::new([self.in_channels, inner], [1; 2]).init(device);
                (narrow, strided(inner), Some(last(inner, 1, 1)))
            }
        };
        let average_shortcut = self.average_shortcut && self.stride == 2;
        let downsample = (self.stride != 1 || self.in_channels != out).then(|| {
            ConvNormActConfig::new([self.in_channels, out], [1; 2])
                .with_stride(if average_shortcut { 1 } else { self.stride })
                .with_activation(Activation::Identity)
                .init(device)
        });
        let [share, multiple] = SQUEEZE;
        let squeezed = ((out / share + multiple / 2) / multiple * multiple).max(multiple);
        let se = self.squeeze.then(|| SqueezeExciteConfig::new(out, squeezed).init(device));
        ResidualBlock { conv1, conv2, conv3, se, downsample, average_shortcut }
    }
}

impl ResidualBlock {
    /// # Shapes
    /// `[N, C, H, W]` → `[N, channels · expansion, H / stride, W / stride]`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let shortcut = match &self.downsample {
            Some(project) if self.average_shortcut => project.forward(halve(input.clone())),
            Some(project) => project.forward(input.clone()),
            None => input.clone(),
        };
        let branch = self.conv2.forward(self.conv1.forward(input));
        let branch = match &self.conv3 {
            Some(conv) => conv.forward(branch),
            None => branch,
        };
        let branch = match &self.se {
            Some(scale) => scale.forward(branch),
            None => branch,
        };
        activation::relu(branch + shortcut)
    }
}
