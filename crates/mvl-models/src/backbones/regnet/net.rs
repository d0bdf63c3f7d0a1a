//! The net: a stem and four stages, each at half the size of the one before. `[N, C, H, W]` → maps at strides 2 to 32.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use mvl_core::{Backbone, Features, KeyMap, Tap, TapSet};

use super::block::{RegNetBlock, RegNetBlockConfig};
use crate::layers::{ConvNormAct, ConvNormActConfig};

const STEM_CHANNELS: usize = 32;

/// From the paths of a classifier with a [`RegNet`] to torchvision's keys.
pub(super) const KEY_MAP: KeyMap = KeyMap(&[
    (r"^backbone\.", ""),
    (r"\.(a|b|se|c)\.", ".f.$1."),
    (r"^stages\.0\.", "trunk_output.block1.block1-"),
    (r"^stages\.1\.", "trunk_output.block2.block2-"),
    (r"^stages\.2\.", "trunk_output.block3.block3-"),
    (r"^stages\.3\.", "trunk_output.block4.block4-"),
    (r"\.conv\.", ".0."),
    (r"\.norm\.", ".1."),
    (r"^head\.linear\.", "fc."),
]);

/// The numbers that make a [`RegNet`].
#[derive(Config, Debug)]
pub struct RegNetConfig {
    /// Blocks altogether, the paper's d.
    pub depth: usize,
    /// Width of the first block before rounding, w₀.
    pub first_width: usize,
    /// By how much the width grows from block to block, w_a.
    pub slope: f64,
    /// The factor between steps of width, w_m; above 1.
    pub factor: f64,
    /// Channels of each group of a 3×3 convolution, g; less where a stage is narrower.
    pub group_width: usize,
    /// Channels in between, in squeeze and excitation, for each channel that goes into a block; none when it is 0.
    #[config(default = 0.0)]
    pub squeeze: f64,
    /// Channels of the picture.
    #[config(default = 3)]
    pub in_channels: usize,
}

/// A RegNet without its classifier.
///
/// Taps: `stem`, `trunk_output.block1` … `trunk_output.block4`.
#[derive(Module, Debug)]
pub struct RegNet {
    stem: ConvNormAct,
    stages: Vec<Vec<RegNetBlock>>,
    #[module(skip)]
    taps: Vec<Tap>,
}

impl RegNetConfig {
    /// Creates the net.
    pub fn init(&self, device: &Device) -> RegNet {
        let mut channels = STEM_CHANNELS;
        let mut taps = vec![Tap::map("stem", channels, 2)];
        let stages = self.stages().into_iter().enumerate().map(|(index, stage)| {
            let blocks = (0..stage.depth).map(|block| {
                let config = RegNetBlockConfig::new([channels, stage.width], stage.group_width)
                    .with_stride(if block == 0 { 2 } else { 1 })
                    .with_squeeze(self.squeeze);
                channels = stage.width;
                config.init(device)
            });
            let blocks = blocks.collect();
            taps.push(Tap::map(format!("trunk_output.block{}", index + 1), stage.width, 4 << index));
            blocks
        });
        let stages = stages.collect();
        let stem = ConvNormActConfig::new([self.in_channels, STEM_CHANNELS], [3; 2]).with_stride(2).init(device);
        RegNet { stem, stages, taps }
    }
}

impl Backbone for RegNet {
    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features {
        let mut features = Features::new();
        let Some(last) = keep.last() else { return features };
        let mut map = self.stem.forward(images); // [N, 32, H/2, W/2]
        features.keep_map(keep, 0, &map);
        for (tap, blocks) in (1..=last).zip(&self.stages) {
            map = blocks.iter().fold(map, |map, block| block.forward(map));
            features.keep_map(keep, tap, &map);
        }
        features
    }
}
