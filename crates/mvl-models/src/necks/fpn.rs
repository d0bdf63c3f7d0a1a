//! Feature pyramid: what coarse maps know flows down to fine ones. Lin, Dollár, Girshick, He, Hariharan, Belongie 2016,
//! <https://arxiv.org/abs/1612.03144>; torchvision's `FeaturePyramidNetwork`. Maps `[N, Cᵢ, Hᵢ, Wᵢ]` → maps `[N, width, Hᵢ, Wᵢ]`
//! and coarser ones where asked for.
//!
//! Without normalisation, as published.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor};
use mvl_core::{Features, MixedForward, ModelError, Neck, Tap, TapSet};
use serde::{Deserialize, Serialize};

use super::extra_levels::{ExtraBlocks, ExtraLevels};
use super::levels::{Level, Levels, check_width, hand_on, nearest, plain_conv, pyramid_taps, reads, size};

const NAME: &str = "fpn";

/// Configuration of an [`Fpn`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FpnConfig {
    /// Which maps it reads.
    pub levels: Levels,
    /// Channels of every map it gives.
    pub width: usize,
    /// Levels coarser than the backbone's.
    pub extra: ExtraLevels,
}

impl Default for FpnConfig {
    fn default() -> Self {
        Self { levels: Levels::Coarsest(4), width: 256, extra: ExtraLevels::None }
    }
}

/// Lateral 1×1 convolutions, a way down by nearest cells, 3×3 convolutions.
#[derive(Module, Debug)]
pub struct Fpn {
    inner_blocks: Vec<Conv2d>,
    layer_blocks: Vec<Conv2d>,
    extra_blocks: ExtraBlocks,
    #[module(skip)]
    levels: Vec<Level>,
    #[module(skip)]
    taps: Vec<Tap>,
}

impl FpnConfig {
    /// Creates the neck for a backbone with these taps.
    ///
    /// # Errors
    /// [`ModelError::Mismatch`] when it has no such maps, [`ModelError::InvalidOptions`] for an absurd width.
    pub fn build(&self, backbone: &str, taps: &[Tap], device: &Device) -> Result<Fpn, ModelError> {
        check_width(NAME, "width", self.width)?;
        let levels = self.levels.choose(NAME, backbone, taps)?;
        let last = levels[levels.len() - 1].channels;
        Ok(Fpn {
            inner_blocks: levels.iter().map(|level| plain_conv([level.channels, self.width], 1, 1, device)).collect(),
            layer_blocks: levels.iter().map(|_| plain_conv([self.width; 2], 3, 1, device)).collect(),
            extra_blocks: self.extra.init(last, self.width, device),
            taps: pyramid_taps(&levels, self.extra.count(), self.width),
            levels,
        })
    }
}

impl Fpn {
    /// # Shapes
    /// `[N, Cᵢ, Hᵢ, Wᵢ]` of every level, finest first → `[N, width, Hᵢ, Wᵢ]`, and extra levels
    fn pyramid(&self, maps: &[Tensor<4>]) -> Vec<Tensor<4>> {
        let mut pyramid = Vec::with_capacity(self.taps.len());
        let mut above: Option<Tensor<4>> = None;
        for ((map, inner), layer) in maps.iter().zip(&self.inner_blocks).zip(&self.layer_blocks).rev() {
            let lateral = inner.forward_mixed(map.clone());
            let merged = match above {
                Some(above) => {
                    let size = size(&lateral);
                    lateral + nearest(above, size)
                }
                None => lateral,
            };
            pyramid.push(layer.forward_mixed(merged.clone()));
            above = Some(merged);
        }
        pyramid.reverse();
        if let Some(last) = maps.last() {
            self.extra_blocks.extend(&mut pyramid, last.clone());
        }
        pyramid
    }
}

impl Neck for Fpn {
    fn reads(&self) -> TapSet {
        reads(&self.levels)
    }

    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn forward(&self, mut features: Features) -> Features {
        let maps: Vec<_> = self.levels.iter().map(|level| features.take_map(level.tap)).collect();
        hand_on(&self.pyramid(&maps), features.picture_size())
    }
}
