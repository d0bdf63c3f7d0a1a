//! The net: a convolution and five stages, `[N, C, H, W]` → maps at strides 2 to 32.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use mvl_core::{Backbone, Features, KeyMap, Tap, TapSet};

use super::block::{UniversalBottleneck, UniversalBottleneckConfig};
use super::sizes::{Line, Size};
use crate::layers::{
    Activation, ConvNormAct, ConvNormActConfig, InvertedResidual, InvertedResidualConfig, make_divisible, widen,
};

const DIVISOR: usize = 8;
/// Kernel and stride of the fused inverted residual.
const FUSED: [usize; 2] = [3, 2];
/// The last two stages have the same stride; the first of them is no tap.
const UNTAPPED: usize = 3;

/// From the paths of a classifier with a [`MobileNetV4`] to timm's keys.
pub(super) const KEY_MAP: KeyMap = KeyMap(&[
    (r"^backbone\.", ""),
    (r"^conv_stem\.conv\.", "conv_stem."),
    (r"^conv_stem\.norm\.", "bn1."),
    (r"\bblock\.0\.conv\.", "conv_exp."),
    (r"\bblock\.0\.norm\.", "bn1."),
    (r"\bblock\.1\.conv\.", "conv_pwl."),
    (r"\bblock\.1\.norm\.", "bn2."),
    (r"\b((?:dw|pw)_[a-z]+)\.norm\.", "$1.bn."),
    (r"^(blocks\.\d+\.\d+)\.norm\.", "$1.bn1."),
    (r"^head\.hidden\.conv\.", "conv_head."),
    (r"^head\.hidden\.norm\.", "norm_head."),
    (r"^head\.linear\.", "classifier."),
]);

/// One block.
#[derive(Module, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a net holds a few dozen of them, and a box more would be one more look each"
)]
pub enum MobileNetV4Block {
    /// A convolution.
    Conv(ConvNormAct),
    /// An inverted residual, fused.
    Fused(InvertedResidual),
    /// A universal bottleneck.
    Universal(UniversalBottleneck),
}

/// MobileNetV4 without its classifier.
///
/// Taps: `bn1`, `blocks.0`, `blocks.1`, `blocks.2`, `blocks.4`.
#[derive(Module, Debug)]
pub struct MobileNetV4 {
    conv_stem: ConvNormAct,
    blocks: Vec<Vec<MobileNetV4Block>>,
    #[module(skip)]
    taps: Vec<Tap>,
}

/// What a config asks for.
#[derive(Debug)]
pub(super) struct Changes {
    pub(super) in_channels: usize,
    pub(super) first_stride: usize,
    pub(super) width: f64,
    pub(super) drop_path: f64,
}

impl MobileNetV4 {
    /// A net of this size.
    pub(super) fn new(size: &Size, changes: &Changes, device: &Device) -> Self {
        // timm's narrower nets keep the first convolution's width
        let mut channels = widen(size.first, changes.width.max(1.0));
        let conv_stem = ConvNormActConfig::new([changes.in_channels, channels], [3; 2])
            .with_stride(changes.first_stride)
            .init(device);
        let mut stride = changes.first_stride;
        let mut taps = vec![Tap::map("bn1", channels, stride)];
        let mut blocks = Vec::with_capacity(size.stages.len());
        let count: usize = size.stages.iter().flat_map(|stage| stage.iter()).map(Line::repeats).sum();
        let mut before = 0;
        for (index, stage) in size.stages.iter().enumerate() {
            let mut built = Vec::new();
            for line in *stage {
                let output = widen(line.channels(), changes.width);
                for repeat in 0..line.repeats() {
                    let drop_path = changes.drop_path * before as f64 / count as f64;
                    built.push(line.init([channels, output], repeat == 0, drop_path, device));
                    channels = output;
                    before += 1;
                }
                stride *= line.stride();
            }
            if index != UNTAPPED {
                taps.push(Tap::map(format!("blocks.{index}"), channels, stride));
            }
            blocks.push(built);
        }
        Self { conv_stem, blocks, taps }
    }
}

impl Line {
    fn repeats(&self) -> usize {
        match self {
            Self::Universal { repeats, .. } => *repeats,
            _ => 1,
        }
    }

    fn stride(&self) -> usize {
        match self {
            Self::Conv { stride, .. } | Self::Universal { stride, .. } => *stride,
            Self::Fused { .. } => FUSED[1],
        }
    }

    fn channels(&self) -> usize {
        match self {
            Self::Conv { channels, .. } | Self::Fused { channels, .. } | Self::Universal { channels, .. } => *channels,
        }
    }

    fn init(&self, channels: [usize; 2], first: bool, drop_path: f64, device: &Device) -> MobileNetV4Block {
        let hidden = |expansion| make_divisible((channels[0] * expansion) as f64, DIVISOR);
        match *self {
            Self::Conv { kernel, stride, .. } => {
                MobileNetV4Block::Conv(ConvNormActConfig::new(channels, [kernel; 2]).with_stride(stride).init(device))
            }
            Self::Fused { expansion, .. } => MobileNetV4Block::Fused(
                InvertedResidualConfig::new(channels, hidden(expansion))
                    .with_kernel(FUSED[0])
                    .with_stride(FUSED[1])
                    .with_fused(true)
                    .with_activation(Activation::Relu)
                    .init(device),
            ),
            Self::Universal { kernels: [start, middle], stride, expansion, .. } => MobileNetV4Block::Universal(
                UniversalBottleneckConfig::new(channels, hidden(expansion))
                    .with_start(start)
                    .with_middle(middle)
                    .with_stride(if first { stride } else { 1 })
                    .with_drop_path(drop_path)
                    .init(device),
            ),
        }
    }
}

impl MobileNetV4Block {
    fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Conv(conv) => conv.forward(map),
            Self::Fused(block) => block.forward(map),
            Self::Universal(block) => block.forward(map),
        }
    }
}

impl Backbone for MobileNetV4 {
    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features {
        let mut features = Features::new();
        let Some(last) = keep.last() else { return features };
        let mut map = self.conv_stem.forward(images); // [N, C, H/2, W/2]
        features.keep_map(keep, 0, &map);
        let mut tap = 0;
        for (index, blocks) in self.blocks.iter().enumerate() {
            if tap == last {
                break;
            }
            map = blocks.iter().fold(map, |map, block| block.forward(map));
            if index != UNTAPPED {
                tap += 1;
                features.keep_map(keep, tap, &map);
            }
        }
        features
    }
}
