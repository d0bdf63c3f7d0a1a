//! The net: patches of 4×4 pixels, then four stages of blocks, each but the first behind a 2×2 convolution.
//! `[N, C, H, W]` → maps at strides 4 to 32.

use burn::config::Config;
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::{Device, Tensor};
use mvl_core::{Backbone, Features, MixedForward, Tap, TapSet};

use super::block::{ConvNeXtBlock, ConvNeXtBlockConfig};
use super::pointwise::PointwiseKind;
use crate::layers::{DropPath, LayerNorm2d, small_conv};

/// Added to the variance in every normalisation.
pub(super) const EPSILON: f64 = 1e-6;
const PATCH: usize = 4;

/// The shape of a [`ConvNeXt`].
#[derive(Config, Debug)]
pub struct ConvNeXtConfig {
    /// Blocks in each stage.
    pub depths: [usize; 4],
    /// Channels of the first stage; each further stage has twice as many.
    pub channels: usize,
    /// Channels of the picture.
    #[config(default = 3)]
    pub in_channels: usize,
    /// How the blocks' linear maps are kept.
    #[config(default = "PointwiseKind::Linear")]
    pub pointwise: PointwiseKind,
    /// Where the branches' factors begin, if they have them (version 1).
    pub layer_scale: Option<f64>,
    /// Whether channels compete after the activation (version 2).
    #[config(default = false)]
    pub response_norm: bool,
    /// Share of the samples that leave the last block's branch out in training; from 0 it grows with depth.
    #[config(default = 0.0)]
    pub drop_path: f64,
    /// What taps are called, in order.
    pub tap_names: [String; 4],
}

/// A convolution whose patches do not overlap, and a normalisation: after it in the stem, before it between stages.
#[derive(Module, Debug)]
pub struct PatchConv {
    conv: Conv2d,
    norm: LayerNorm2d,
}

impl PatchConv {
    fn new(channels: [usize; 2], patch: usize, normalised: usize, device: &Device) -> Self {
        let conv = Conv2dConfig::new(channels, [patch; 2]).with_stride([patch; 2]);
        Self { conv: small_conv(&conv, device), norm: LayerNorm2d::new(normalised, EPSILON, device) }
    }
}

/// Blocks of one size.
#[derive(Module, Debug)]
pub struct ConvNeXtStage {
    downsample: Option<PatchConv>,
    blocks: Vec<ConvNeXtBlock>,
}

impl ConvNeXtStage {
    /// # Shapes
    /// `[N, C, H, W]` → `[N, C, H, W]` in the first stage, `[N, 2 C, H / 2, W / 2]` in the others.
    #[must_use]
    pub fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        let map = match &self.downsample {
            Some(PatchConv { conv, norm }) => conv.forward_mixed(norm.forward(map)),
            None => map,
        };
        self.blocks.iter().fold(map, |map, block| block.forward(map))
    }
}

/// A ConvNeXt without its classifier.
///
/// Taps: one a stage.
#[derive(Module, Debug)]
pub struct ConvNeXt {
    stem: PatchConv,
    stages: Vec<ConvNeXtStage>,
    #[module(skip)]
    taps: Vec<Tap>,
}

impl ConvNeXtConfig {
    /// Creates the net.
    pub fn init(&self, device: &Device) -> ConvNeXt {
        let mut shares = DropPath::shares(self.drop_path, self.depths.iter().sum());
        let mut stages = Vec::with_capacity(self.depths.len());
        let mut taps = Vec::with_capacity(self.depths.len());
        for (stage, (&depth, name)) in self.depths.iter().zip(&self.tap_names).enumerate() {
            let channels = self.channels << stage;
            let downsample = (stage > 0).then(|| PatchConv::new([channels / 2, channels], 2, channels / 2, device));
            let blocks = shares.by_ref().take(depth).map(|share| {
                ConvNeXtBlockConfig::new(channels)
                    .with_pointwise(self.pointwise)
                    .with_layer_scale(self.layer_scale)
                    .with_response_norm(self.response_norm)
                    .with_drop_path(share)
                    .init(device)
            });
            stages.push(ConvNeXtStage { downsample, blocks: blocks.collect() });
            taps.push(Tap::map(name, channels, PATCH << stage));
        }
        let stem = PatchConv::new([self.in_channels, self.channels], PATCH, self.channels, device);
        ConvNeXt { stem, stages, taps }
    }
}

impl Backbone for ConvNeXt {
    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features {
        let mut features = Features::new();
        let Some(last) = keep.last() else { return features };
        let mut map = self.stem.norm.forward(self.stem.conv.forward_mixed(images)); // [N, C, H/4, W/4]
        for (tap, stage) in self.stages.iter().enumerate().take(last + 1) {
            map = stage.forward(map);
            features.keep_map(keep, tap, &map);
        }
        features
    }
}
