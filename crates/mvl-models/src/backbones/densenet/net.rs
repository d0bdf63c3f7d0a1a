//! The net: a stem, four blocks with transitions between them, a last normalisation. `[N, C, H, W]` → maps at strides 2 to 32.

use burn::config::Config;
use burn::module::Module;
use burn::nn::pool::MaxPool2d;
use burn::nn::{BatchNorm, BatchNormConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use mvl_core::{Backbone, Features, KeyMap, MixedForward, Tap, TapSet};

use super::block::{DenseBlock, Transition};
use crate::layers::{ConvNormAct, ConvNormActConfig, PoolEdge, max_pool};

/// Blocks, and layers in a block, count from 1 in torchvision's keys: each rule adds one to a number that ends in this digit.
macro_rules! keys {
    ($($more:expr),*) => {
        KeyMap(&[
            (r"^backbone\.stem\.conv\.", "features.conv0."),
            (r"^backbone\.stem\.norm\.", "features.norm0."),
            (r"^backbone\.", "features."),
            (r"\.inner\.conv\.", ".conv1."),
            (r"\.inner\.norm\.", ".norm2."),
            (r"\b(denseblock|denselayer|transition)\.(\d?)0\.", "$1${2}1."),
            (r"\b(denseblock|denselayer|transition)\.(\d?)1\.", "$1${2}2."),
            (r"\b(denseblock|denselayer|transition)\.(\d?)2\.", "$1${2}3."),
            (r"\b(denseblock|denselayer|transition)\.(\d?)3\.", "$1${2}4."),
            (r"\b(denseblock|denselayer|transition)\.(\d?)4\.", "$1${2}5."),
            (r"\b(denseblock|denselayer|transition)\.(\d?)5\.", "$1${2}6."),
            (r"\b(denseblock|denselayer|transition)\.(\d?)6\.", "$1${2}7."),
            (r"\b(denseblock|denselayer|transition)\.(\d?)7\.", "$1${2}8."),
            (r"\b(denseblock|denselayer|transition)\.(\d?)8\.", "$1${2}9."),
            (r"\bdenselayer\.9\.", "denselayer10."),
            (r"\bdenselayer\.19\.", "denselayer20."),
            (r"\bdenselayer\.29\.", "denselayer30."),
            (r"\bdenselayer\.39\.", "denselayer40."),
            (r"\bdenselayer\.49\.", "denselayer50."),
            (r"\bdenselayer\.59\.", "denselayer60."),
            (r"\bdenselayer\.69\.", "denselayer70."),
            (r"^head\.linear\.", "classifier."),
            $($more),*
        ])
    };
}
pub(super) const KEY_MAP: KeyMap = keys!();
/// torchvision's published files are older than its names.
pub(super) const OLDER_KEYS: &[KeyMap] = &[keys!((r"\b(denselayer\d+)\.(norm|conv)([12])\.", "$1.$2.$3."))];

/// The shape of a [`DenseNet`].
#[derive(Config, Debug)]
pub struct DenseNetConfig {
    /// Layers of each block.
    pub depths: [usize; 4],
    /// Channels that each layer adds; the stem has twice as many.
    pub growth: usize,
    /// Channels of the picture.
    #[config(default = 3)]
    pub in_channels: usize,
    /// Share of what each layer adds that is dropped in training.
    #[config(default = 0.0)]
    pub dropout: f64,
}

/// DenseNet without its classifier.
///
/// Taps: `features.relu0`, `features.denseblock1` to `3`, and `features.norm5`, after its activation.
#[derive(Module, Debug)]
pub struct DenseNet {
    stem: ConvNormAct,
    max_pool: MaxPool2d,
    denseblock: Vec<DenseBlock>,
    transition: Vec<Transition>,
    norm5: BatchNorm,
    #[module(skip)]
    taps: Vec<Tap>,
}

impl DenseNetConfig {
    /// torchvision's `densenet121`.
    pub fn densenet121() -> Self {
        Self::new([6, 12, 24, 16], 32)
    }

    /// torchvision's `densenet161`, of wider layers.
    pub fn densenet161() -> Self {
        Self::new([6, 12, 36, 24], 48)
    }

    /// torchvision's `densenet169`.
    pub fn densenet169() -> Self {
        Self::new([6, 12, 32, 32], 32)
    }

    /// torchvision's `densenet201`.
    pub fn densenet201() -> Self {
        Self::new([6, 12, 48, 32], 32)
    }

    /// Creates the net.
    pub fn init(&self, device: &Device) -> DenseNet {
        let Self { depths, growth, in_channels, dropout } = *self;
        let mut channels = 2 * growth;
        let mut stride = 4;
        let mut taps = vec![Tap::map("features.relu0", channels, 2)];
        let (mut denseblock, mut transition) = (Vec::new(), Vec::new());
        for (block, depth) in depths.into_iter().enumerate() {
            denseblock.push(DenseBlock::new(depth, channels, growth, dropout, device));
            channels += depth * growth;
            if block + 1 < depths.len() {
                taps.push(Tap::map(format!("features.denseblock{}", block + 1), channels, stride));
                transition.push(Transition::new(channels, device));
                channels /= 2;
                stride *= 2;
            }
        }
        taps.push(Tap::map("features.norm5", channels, stride));
        DenseNet {
            stem: ConvNormActConfig::new([in_channels, 2 * growth], [7; 2]).with_stride(2).init(device),
            max_pool: max_pool(3, 2, PoolEdge::Same),
            denseblock,
            transition,
            norm5: BatchNormConfig::new(channels).init(device),
            taps,
        }
    }
}

impl Backbone for DenseNet {
    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features {
        let mut features = Features::new();
        let Some(last) = keep.last() else { return features };
        let mut map = self.stem.forward(images); // [N, C, H/2, W/2]
        features.keep_map(keep, 0, &map);
        for (tap, block) in (1..=last).zip(&self.denseblock) {
            map = match tap {
                1 => self.max_pool.forward(map), // [N, C, H/4, W/4]
                _ => self.transition[tap - 2].forward(map),
            };
            map = block.forward(map);
            if tap == self.denseblock.len() {
                map = relu(self.norm5.forward_mixed(map)); // [N, C, H/32, W/32]
            }
            features.keep_map(keep, tap, &map);
        }
        features
    }
}
