//! The net: three convolutions, nine inception blocks. `[N, C, H, W]` → maps at strides 2 to 32.

use burn::config::Config;
use burn::module::Module;
use burn::nn::pool::MaxPool2d;
use burn::tensor::{Device, Tensor};
use mvl_core::{Backbone, Features, InputSides, KeyMap, Tap, TapSet};

use super::block::{Inception, InceptionChannels, conv};
use crate::layers::{ConvNormAct, PoolEdge, max_pool, widen};

pub(super) const KEY_MAP: KeyMap = KeyMap(&[
    (r"^backbone\.", ""),
    (r"^inception(\d)\.0\.", "inception${1}a."),
    (r"^inception(\d)\.1\.", "inception${1}b."),
    (r"^inception(\d)\.2\.", "inception${1}c."),
    (r"^inception(\d)\.3\.", "inception${1}d."),
    (r"^inception(\d)\.4\.", "inception${1}e."),
    (r"\.branch4\.", ".branch4.1."),
    (r"\.norm\.", ".bn."),
    (r"^head\.linear\.", "fc."),
]);
/// Of the classifiers that torchvision trains with.
pub(super) const UNUSED: &[&str] = &[r"^aux[12]\."];

/// The smallest side that torchvision's net takes.
const MIN_SIDE: usize = 15;
/// Channels of the first convolutions.
const STEM: [usize; 2] = [64, 192];

const fn channels(single: usize, second: [usize; 2], third: [usize; 2], pooled: usize) -> InceptionChannels {
    InceptionChannels { single, second, third, pooled }
}

/// Table 1 of the paper, by stage.
const BLOCKS: [&[InceptionChannels]; 3] = [
    &[channels(64, [96, 128], [16, 32], 32), channels(128, [128, 192], [32, 96], 64)],
    &[
        channels(192, [96, 208], [16, 48], 64),
        channels(160, [112, 224], [24, 64], 64),
        channels(128, [128, 256], [24, 64], 64),
        channels(112, [144, 288], [32, 64], 64),
        channels(256, [160, 320], [32, 128], 128),
    ],
    &[channels(256, [160, 320], [32, 128], 128), channels(384, [192, 384], [48, 128], 128)],
];
/// The names of the stages' last blocks, and their strides.
const TAPPED: [(&str, usize); 3] = [("inception3b", 8), ("inception4e", 16), ("inception5b", 32)];

/// The shape of a [`GoogLeNet`].
#[derive(Config, Debug)]
pub struct GoogLeNetConfig {
    /// Channels of the picture.
    #[config(default = 3)]
    pub in_channels: usize,
    /// Factor on all channel counts, rounded to multiples of 8.
    #[config(default = 1.0)]
    pub width: f64,
}

/// GoogLeNet without its classifiers.
///
/// Taps: `conv1`, `conv3`, `inception3b`, `inception4e`, `inception5b`.
#[derive(Module, Debug)]
pub struct GoogLeNet {
    conv1: ConvNormAct,
    conv2: ConvNormAct,
    conv3: ConvNormAct,
    inception3: Vec<Inception>,
    inception4: Vec<Inception>,
    inception5: Vec<Inception>,
    /// Between stages, but before the last.
    pool: MaxPool2d,
    last_pool: MaxPool2d,
    #[module(skip)]
    taps: Vec<Tap>,
}

impl GoogLeNetConfig {
    /// Creates the net.
    pub fn init(&self, device: &Device) -> GoogLeNet {
        let [first, second] = STEM.map(|channels| widen(channels, self.width));
        let mut taps = vec![Tap::map("conv1", first, 2), Tap::map("conv3", second, 4)];
        let mut in_channels = second;
        let [inception3, inception4, inception5] = BLOCKS.map(|blocks| {
            let block = |channels: &InceptionChannels| {
                let channels = channels.widen(self.width);
                let block = Inception::new(in_channels, channels, device);
                in_channels = channels.sum();
                block
            };
            let blocks = blocks.iter().map(block).collect();
            let (name, stride) = TAPPED[taps.len() - 2];
            taps.push(Tap::map(name, in_channels, stride));
            blocks
        });
        GoogLeNet {
            conv1: conv([self.in_channels, first], 7, 2, device),
            conv2: conv([first, first], 1, 1, device),
            conv3: conv([first, second], 3, 1, device),
            inception3,
            inception4,
            inception5,
            pool: max_pool(3, 2, PoolEdge::Ceil),
            last_pool: max_pool(2, 2, PoolEdge::Ceil),
            taps,
        }
    }
}

impl Backbone for GoogLeNet {
    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn sides(&self) -> InputSides {
        InputSides::at_least(MIN_SIDE)
    }

    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features {
        let mut features = Features::new();
        let Some(last) = keep.last() else { return features };
        let mut map = self.conv1.forward(images); // [N, C, H/2, W/2]
        features.keep_map(keep, 0, &map);
        if last >= 1 {
            map = self.conv3.forward(self.conv2.forward(self.pool.forward(map))); // [N, C, H/4, W/4]
            features.keep_map(keep, 1, &map);
        }
        let stages =
            [(&self.pool, &self.inception3), (&self.pool, &self.inception4), (&self.last_pool, &self.inception5)];
        for (tap, (pool, blocks)) in (2..=last).zip(stages) {
            map = blocks.iter().fold(pool.forward(map), |map, block| block.forward(map));
            features.keep_map(keep, tap, &map);
        }
        features
    }
}
