//! The net: a convolution, a max pool, three stages of units, a last 1×1 convolution. `[N, C, H, W]` → maps at strides 2 to 32.

use burn::config::Config;
use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::tensor::{Device, Tensor};
use mvl_core::{Backbone, Features, KeyMap, Tap, TapSet};

use super::unit::ShuffleUnit;
use crate::layers::{ConvNormAct, ConvNormActConfig};

const FIRST_CHANNELS: usize = 24;
/// Units of each stage; the first of each halves the map.
const DEPTHS: [usize; 3] = [4, 8, 4];

/// From the paths of a classifier with a [`ShuffleNetV2`] to torchvision's keys.
pub(super) const KEY_MAP: KeyMap = KeyMap(&[
    (r"^backbone\.", ""),
    (r"^(conv\d)\.conv\.", "$1.0."),
    (r"^(conv\d)\.norm\.", "$1.1."),
    // an activation follows the 1×1 convolutions alone
    (r"\bbranch(\d)\.0\.conv\.", "branch$1.0."),
    (r"\bbranch(\d)\.0\.norm\.", "branch$1.1."),
    (r"\bbranch1\.1\.conv\.", "branch1.2."),
    (r"\bbranch1\.1\.norm\.", "branch1.3."),
    (r"\bbranch2\.1\.conv\.", "branch2.3."),
    (r"\bbranch2\.1\.norm\.", "branch2.4."),
    (r"\bbranch2\.2\.conv\.", "branch2.5."),
    (r"\bbranch2\.2\.norm\.", "branch2.6."),
    (r"^head\.linear\.", "fc."),
]);

/// The shape of a [`ShuffleNetV2`].
#[derive(Config, Debug)]
pub struct ShuffleNetV2Config {
    /// Channels of the three stages, even.
    pub channels: [usize; 3],
    /// Channels of the last convolution.
    pub last_channels: usize,
    /// Channels of the picture.
    #[config(default = 3)]
    pub in_channels: usize,
}

/// ShuffleNet V2 without its classifier.
///
/// Taps: `conv1`, `maxpool`, `stage2`, `stage3`, `stage4`, `conv5`.
#[derive(Module, Debug)]
pub struct ShuffleNetV2 {
    conv1: ConvNormAct,
    max_pool: MaxPool2d,
    stage2: Vec<ShuffleUnit>,
    stage3: Vec<ShuffleUnit>,
    stage4: Vec<ShuffleUnit>,
    conv5: ConvNormAct,
    #[module(skip)]
    taps: Vec<Tap>,
}

impl ShuffleNetV2Config {
    /// Creates the net.
    ///
    /// # Panics
    /// If a stage's channels are odd.
    pub fn init(&self, device: &Device) -> ShuffleNetV2 {
        assert!(self.channels.iter().all(|count| count % 2 == 0), "expected even channels, got {:?}", self.channels);
        let [second, third, fourth] = self.channels;
        let stage = |input, output, depth| {
            let first = ShuffleUnit::halving([input, output], device);
            std::iter::once(first).chain((1..depth).map(|_| ShuffleUnit::keeping(output, device))).collect()
        };
        ShuffleNetV2 {
            conv1: ConvNormActConfig::new([self.in_channels, FIRST_CHANNELS], [3; 2]).with_stride(2).init(device),
            max_pool: MaxPool2dConfig::new([3, 3])
                .with_strides([2, 2])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .init(),
            stage2: stage(FIRST_CHANNELS, second, DEPTHS[0]),
            stage3: stage(second, third, DEPTHS[1]),
            stage4: stage(third, fourth, DEPTHS[2]),
            conv5: ConvNormActConfig::new([fourth, self.last_channels], [1; 2]).init(device),
            taps: vec![
                Tap::map("conv1", FIRST_CHANNELS, 2),
                Tap::map("maxpool", FIRST_CHANNELS, 4),
                Tap::map("stage2", second, 8),
                Tap::map("stage3", third, 16),
                Tap::map("stage4", fourth, 32),
                Tap::map("conv5", self.last_channels, 32),
            ],
        }
    }
}

impl ShuffleNetV2 {
    /// From one tap to the next.
    fn step(&self, tap: usize, map: Tensor<4>) -> Tensor<4> {
        let units = match tap {
            0 => return self.conv1.forward(map),
            1 => return self.max_pool.forward(map),
            2 => &self.stage2,
            3 => &self.stage3,
            4 => &self.stage4,
            _ => return self.conv5.forward(map),
        };
        units.iter().fold(map, |map, unit| unit.forward(map))
    }
}

impl Backbone for ShuffleNetV2 {
    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features {
        let mut features = Features::new();
        let Some(last) = keep.last() else { return features };
        let mut map = images;
        for tap in 0..=last {
            map = self.step(tap, map);
            features.keep_map(keep, tap, &map);
        }
        features
    }
}
