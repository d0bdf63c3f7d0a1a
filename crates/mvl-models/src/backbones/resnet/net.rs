//! The residual net: a stem and three or four stages of residual blocks, `[N, C, H, W]` → maps at growing strides.

use burn::config::Config;
use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::tensor::{Device, Tensor};
use mvl_core::{Backbone, Features, KeyMap, Tap, TapSet};

use super::block::{BlockKind, ResidualBlock, ResidualBlockConfig};
use crate::layers::{ConvNormAct, ConvNormActConfig};

/// From the paths of a classifier with a [`ResNet`] to torchvision's keys.
pub(super) const KEY_MAP: KeyMap = KeyMap(&[
    (r"^backbone\.", ""),
    (r"\bconv(\d)\.conv\.", "conv$1."),
    (r"\bconv(\d)\.norm\.", "bn$1."),
    (r"\bdownsample\.conv\.", "downsample.0."),
    (r"\bdownsample\.norm\.", "downsample.1."),
    (r"^head\.linear\.", "fc."),
]);

/// The same for a net with a deep stem and averaging shortcuts, to timm's keys.
pub(super) const DEEP_KEY_MAP: KeyMap = KeyMap(&[
    (r"^backbone\.", ""),
    (r"^stem\.0\.conv\.", "conv1.0."),
    (r"^stem\.0\.norm\.", "conv1.1."),
    (r"^stem\.1\.conv\.", "conv1.3."),
    (r"^stem\.1\.norm\.", "conv1.4."),
    (r"^conv1\.conv\.", "conv1.6."),
    (r"\bconv(\d)\.conv\.", "conv$1."),
    (r"\bconv(\d)\.norm\.", "bn$1."),
    (r"\bdownsample\.conv\.", "downsample.1."),
    (r"\bdownsample\.norm\.", "downsample.2."),
    (r"^head\.linear\.", "fc."),
]);

/// The shape of a [`ResNet`].
#[derive(Config, Debug)]
pub struct ResNetConfig {
    /// What its blocks are.
    pub block: BlockKind,
    /// Blocks in each stage; three or four stages.
    pub depths: Vec<usize>,
    /// Channels of the first stage's inner convolutions; each further stage has twice as many.
    pub channels: usize,
    /// Channels of the picture.
    #[config(default = 3)]
    pub in_channels: usize,
    /// Begin with a 7×7 convolution of stride 2 and a max pool of stride 2, instead of a 3×3 convolution of stride 1.
    #[config(default = true)]
    pub large_stem: bool,
    /// Stride of the 3×3 stem; a large stem always has 2.
    #[config(default = 1)]
    pub stem_stride: usize,
    /// Whether each block starts as its shortcut alone.
    #[config(default = false)]
    pub zero_init_residual: bool,
    /// Groups of the 3×3 convolution in a bottleneck: ResNeXt.
    #[config(default = 1)]
    pub groups: usize,
    /// Channels of each group in the first stage at 64 channels; further stages have twice as many each.
    #[config(default = 64)]
    pub width_per_group: usize,
    /// ResNet-D: three 3×3 convolutions in place of a 7×7, and shortcuts that average before their convolution.
    #[config(default = false)]
    pub deep_stem: bool,
    /// Squeeze and excitation at the end of each branch: SENet.
    #[config(default = false)]
    pub squeeze: bool,
}

/// A residual net without its classifier.
///
/// Taps: `stem` (after its activation, before the max pool) and `layer1` … one a stage.
#[derive(Module, Debug)]
pub struct ResNet {
    stem: Vec<ConvNormAct>,
    conv1: ConvNormAct,
    max_pool: Option<MaxPool2d>,
    layer1: Vec<ResidualBlock>,
    layer2: Vec<ResidualBlock>,
    layer3: Vec<ResidualBlock>,
    layer4: Vec<ResidualBlock>,
    #[module(skip)]
    taps: Vec<Tap>,
}

impl ResNetConfig {
    /// torchvision's `resnet18`.
    pub fn resnet18() -> Self {
        Self::new(BlockKind::Basic, vec![2, 2, 2, 2], 64)
    }

    /// torchvision's `resnet34`.
    pub fn resnet34() -> Self {
        Self::new(BlockKind::Basic, vec![3, 4, 6, 3], 64)
    }

    /// torchvision's `resnet50`.
    pub fn resnet50() -> Self {
        Self::new(BlockKind::Bottleneck, vec![3, 4, 6, 3], 64)
    }

    /// torchvision's `resnet101`.
    pub fn resnet101() -> Self {
        Self::new(BlockKind::Bottleneck, vec![3, 4, 23, 3], 64)
    }

    /// torchvision's `resnet152`.
    pub fn resnet152() -> Self {
        Self::new(BlockKind::Bottleneck, vec![3, 8, 36, 3], 64)
    }

    /// 200 layers; timm has them with a deep stem.
    pub fn resnet200() -> Self {
        Self::new(BlockKind::Bottleneck, vec![3, 24, 36, 3], 64)
    }

    /// Sets groups and the channels of each: `resnext50_32x4d` is `resnet50` with 32 groups of 4.
    pub fn grouped(self, groups: usize, width_per_group: usize) -> Self {
        self.with_groups(groups).with_width_per_group(width_per_group)
    }

    /// The paper's net for CIFAR (section 4.2) with `blocks` residual blocks a stage: 6 · `blocks` + 2 layers, 16, 32 and 64
    /// channels. Its shortcuts are 1×1 convolutions (option B) where the paper's pad with zeros (option A).
    pub fn cifar(blocks: usize) -> Self {
        Self::new(BlockKind::Basic, vec![blocks; 3], 16).with_large_stem(false)
    }

    /// Creates the net.
    ///
    /// # Panics
    /// Unless there are three or four stages.
    pub fn init(&self, device: &Device) -> ResNet {
        assert!((3..=4).contains(&self.depths.len()), "expected 3 or 4 stages, got {}", self.depths.len());
        let stride = if self.large_stem { 2 } else { self.stem_stride };
        let (stem, conv1) = self.init_stem(stride, device);
        let max_pool = self.large_stem.then(|| {
            MaxPool2dConfig::new([3, 3]).with_strides([2, 2]).with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)).init()
        });
        let mut taps = vec![Tap::map("stem", self.channels, stride)];
        let mut in_channels = self.channels;
        let mut tap_stride = if self.large_stem { 2 * stride } else { stride };
        let mut stages = self.depths.iter().enumerate().map(|(stage, &depth)| {
            let channels = self.channels << stage;
            let first_stride = if stage == 0 { 1 } else { 2 };
            let blocks = (0..depth).map(|block| {
                let config = ResidualBlockConfig::new(self.block, in_channels, channels)
                    .with_stride(if block == 0 { first_stride } else { 1 })
                    .with_zero_init(self.zero_init_residual)
                    .with_groups(self.groups)
                    .with_width_per_group(self.width_per_group)
                    .with_average_shortcut(self.deep_stem)
                    .with_squeeze(self.squeeze);
                in_channels = channels * self.block.expansion();
                config.init(device)
            });
            let blocks = blocks.collect();
            tap_stride *= first_stride;
            taps.push(Tap::map(format!("layer{}", stage + 1), channels * self.block.expansion(), tap_stride));
            blocks
        });
        let mut next = || stages.next().unwrap_or_default();
        let (layer1, layer2, layer3, layer4) = (next(), next(), next(), next());
        drop(stages);
        ResNet { stem, conv1, max_pool, layer1, layer2, layer3, layer4, taps }
    }

    /// The stem's last convolution, and those before it.
    fn init_stem(&self, stride: usize, device: &Device) -> (Vec<ConvNormAct>, ConvNormAct) {
        let conv = |channels, kernel: usize, stride| {
            ConvNormActConfig::new(channels, [kernel; 2]).with_stride(stride).init(device)
        };
        if self.deep_stem {
            let half = self.channels / 2;
            let before = vec![conv([self.in_channels, half], 3, stride), conv([half, half], 3, 1)];
            return (before, conv([half, self.channels], 3, 1));
        }
        let kernel = if self.large_stem { 7 } else { 3 };
        (Vec::new(), conv([self.in_channels, self.channels], kernel, stride))
    }
}

impl Backbone for ResNet {
    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features {
        let mut features = Features::new();
        let Some(last) = keep.last() else { return features };
        let images = self.stem.iter().fold(images, |map, conv| conv.forward(map));
        let mut map = self.conv1.forward(images); // [N, C, H/2, W/2]
        features.keep_map(keep, 0, &map);
        if let (Some(pool), 1..) = (&self.max_pool, last) {
            map = pool.forward(map); // [N, C, H/4, W/4]
        }
        let stages = [&self.layer1, &self.layer2, &self.layer3, &self.layer4];
        for (tap, blocks) in (1..=last).zip(stages) {
            map = blocks.iter().fold(map, |map, block| block.forward(map));
            features.keep_map(keep, tap, &map);
        }
        features
    }
}
