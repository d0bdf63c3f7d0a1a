//! The net: a stem block and four stages of blocks, the first of each with stride 2. `[N, C, H, W]` → maps at strides 2 to 32.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use mvl_core::{Backbone, Features, KeyMap, Tap, TapSet};

use super::block::{RepVggBlock, RepVggBlockConfig};

/// From the paths of a classifier with a [`RepVgg`] to timm's keys.
pub(super) const KEY_MAP: KeyMap =
    KeyMap(&[(r"^backbone\.", ""), (r"\.norm\.", ".bn."), (r"^head\.linear\.", "head.fc.")]);

/// The shape of a [`RepVgg`].
#[derive(Config, Debug)]
pub struct RepVggConfig {
    /// Blocks in each stage.
    pub depths: [usize; 4],
    /// Channels of the stem and of each stage.
    pub channels: [usize; 5],
    /// Groups in every second block of a stage.
    #[config(default = 1)]
    pub groups: usize,
    /// Channels of the picture.
    #[config(default = 3)]
    pub in_channels: usize,
}

/// A RepVGG without its classifier.
///
/// Taps: `stem`, `stages.0` … `stages.3`.
#[derive(Module, Debug)]
pub struct RepVgg {
    stem: RepVggBlock,
    stages: Vec<Vec<RepVggBlock>>,
    #[module(skip)]
    taps: Vec<Tap>,
}

impl RepVggConfig {
    /// Creates the net, its blocks with their branches.
    pub fn init(&self, device: &Device) -> RepVgg {
        let [mut channels, widths @ ..] = self.channels;
        let stem = RepVggBlockConfig::new([self.in_channels, channels]).with_stride(2).init(device);
        let mut taps = vec![Tap::map("stem", channels, 2)];
        let stages = self.depths.iter().zip(widths).enumerate().map(|(stage, (&depth, width))| {
            taps.push(Tap::map(format!("stages.{stage}"), width, 4 << stage));
            let blocks = (0..depth).map(|block| {
                let config = RepVggBlockConfig::new([channels, width])
                    .with_stride(if block == 0 { 2 } else { 1 })
                    .with_groups(if block % 2 == 1 { self.groups } else { 1 });
                channels = width;
                config.init(device)
            });
            blocks.collect()
        });
        RepVgg { stem, stages: stages.collect(), taps }
    }
}

impl Backbone for RepVgg {
    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features {
        let mut features = Features::new();
        let Some(last) = keep.last() else { return features };
        let mut map = self.stem.forward(images); // [N, C, H/2, W/2]
        features.keep_map(keep, 0, &map);
        for (tap, blocks) in (1..=last).zip(&self.stages) {
            map = blocks.iter().fold(map, |map, block| block.forward(map));
            features.keep_map(keep, tap, &map);
        }
        features
    }
}
