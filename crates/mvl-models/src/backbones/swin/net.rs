//! The net: patches of 4×4 pixels, four stages of blocks with a merging before each but the first, a normalisation.
//! `[N, C, H, W]` → maps at strides 4 to 32; inside, channels come last.

use burn::config::Config;
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{LayerNorm, LayerNormConfig};
use burn::tensor::{Device, Tensor};
use mvl_core::{Backbone, Features, MixedForward, Tap, TapSet};

use super::attention::WindowAttentionConfig;
use super::block::{SwinBlock, SwinBlockConfig};
use super::merging::PatchMerging;
use crate::layers::{DropPath, small_conv};

/// Added to the variance in every normalisation.
pub(super) const EPSILON: f64 = 1e-5;
const PATCH: usize = 4;
/// What is tapped: the output of each stage but the last, and that one's normalised.
const TAPS: [&str; 4] = ["features.1", "features.3", "features.5", "norm"];

/// Whose paper's net.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum SwinVersion {
    /// Products of queries and keys, a table of positions, normalisations before branches.
    V1,
    /// Cosines of queries and keys, a net of positions, normalisations after branches.
    V2,
}

/// The shape of a [`Swin`].
#[derive(Config, Debug)]
pub struct SwinConfig {
    /// Whose paper's.
    pub version: SwinVersion,
    /// Blocks in each stage.
    pub depths: [usize; 4],
    /// Heads of the first stage; each further stage has twice as many.
    pub heads: usize,
    /// Cells along a window's side.
    pub window: usize,
    /// Channels of a head.
    #[config(default = 32)]
    pub head_channels: usize,
    /// Channels of the picture.
    #[config(default = 3)]
    pub in_channels: usize,
    /// Share of the samples that leave the last block's branches out in training; from 0 it grows with depth.
    #[config(default = 0.0)]
    pub drop_path: f64,
}

/// Blocks of one size.
#[derive(Module, Debug)]
pub struct SwinStage {
    merging: Option<PatchMerging>,
    blocks: Vec<SwinBlock>,
}

impl SwinStage {
    /// # Shapes
    /// `[N, H, W, C]` → `[N, H, W, C]` in the first stage, `[N, ceil(H / 2), ceil(W / 2), 2 C]` in the others.
    #[must_use]
    pub fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        let map = match &self.merging {
            Some(merging) => merging.forward(map),
            None => map,
        };
        self.blocks.iter().fold(map, |map, block| block.forward(map))
    }
}

/// A Swin transformer without its classifier.
///
/// Taps: `features.1`, `features.3`, `features.5`, and `norm` after the last stage.
#[derive(Module, Debug)]
pub struct Swin {
    patch_conv: Conv2d,
    patch_norm: LayerNorm,
    stages: Vec<SwinStage>,
    norm: LayerNorm,
    #[module(skip)]
    taps: Vec<Tap>,
}

impl SwinConfig {
    /// Creates the net.
    pub fn init(&self, device: &Device) -> Swin {
        let channels = self.heads * self.head_channels;
        let norm = |channels| LayerNormConfig::new(channels).with_epsilon(EPSILON).init(device);
        let patch_conv = Conv2dConfig::new([self.in_channels, channels], [PATCH; 2]).with_stride([PATCH; 2]);
        let mut shares = DropPath::shares(self.drop_path, self.depths.iter().sum());
        let stages = self.depths.iter().enumerate().map(|(stage, &depth)| {
            let channels = channels << stage;
            let blocks = (0..depth).zip(shares.by_ref()).map(|(block, share)| {
                let shift = if block % 2 == 0 { 0 } else { self.window / 2 };
                let attention = WindowAttentionConfig::new(self.version, channels, self.heads << stage, self.window);
                SwinBlockConfig::new(attention.with_shift(shift)).with_drop_path(share).init(device)
            });
            let blocks = blocks.collect();
            let merging = (stage > 0).then(|| PatchMerging::new(self.version, channels / 2, device));
            SwinStage { merging, blocks }
        });
        let stages = stages.collect();
        let taps = TAPS.iter().enumerate().map(|(stage, name)| Tap::map(*name, channels << stage, PATCH << stage));
        Swin {
            patch_conv: small_conv(&patch_conv, device),
            patch_norm: norm(channels),
            stages,
            norm: norm(channels << 3),
            taps: taps.collect(),
        }
    }
}

impl Backbone for Swin {
    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features {
        let mut features = Features::new();
        let Some(last) = keep.last() else { return features };
        let patches = self.patch_conv.forward_mixed(images).permute([0, 2, 3, 1]); // [N, H/4, W/4, C]
        let mut map = self.patch_norm.forward_mixed(patches);
        for (tap, stage) in self.stages.iter().enumerate().take(last + 1) {
            map = stage.forward(map);
            if tap + 1 == self.stages.len() {
                map = self.norm.forward_mixed(map);
            }
            features.keep_map(keep, tap, &map.clone().permute([0, 3, 1, 2]));
        }
        features
    }
}
