//! Path aggregation: a feature pyramid, and then a way up again, so that what fine maps know is a few layers from the coarse
//! ones. Liu, Qi, Qin, Shi, Jia 2018, <https://arxiv.org/abs/1803.01534>. Maps `[N, Cᵢ, Hᵢ, Wᵢ]` → maps `[N, width, Hᵢ, Wᵢ]`.
//!
//! As the paper has it (section 3.1), a ReLU follows every convolution of the way up.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, activation};
use mvl_core::{Features, MixedForward, ModelError, Neck, Tap, TapSet};
use serde::{Deserialize, Serialize};

use super::extra_levels::{ExtraBlocks, ExtraLevels};
use super::fpn::{Fpn, FpnConfig};
use super::levels::{Level, Levels, hand_on, nearest, plain_conv, pyramid_taps, size};

const NAME: &str = "pafpn";

/// Configuration of a [`Pafpn`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PafpnConfig {
    /// Which maps it reads.
    pub levels: Levels,
    /// Channels of every map it gives.
    pub width: usize,
    /// Levels coarser than the backbone's.
    pub extra: ExtraLevels,
}

impl Default for PafpnConfig {
    fn default() -> Self {
        Self { levels: Levels::Coarsest(4), width: 256, extra: ExtraLevels::None }
    }
}

/// A feature pyramid and a way up.
#[derive(Module, Debug)]
pub struct Pafpn {
    fpn: Fpn,
    downsample_blocks: Vec<Conv2d>,
    fusion_blocks: Vec<Conv2d>,
    extra_blocks: ExtraBlocks,
    #[module(skip)]
    last: Level,
    #[module(skip)]
    taps: Vec<Tap>,
}

impl PafpnConfig {
    /// Creates the neck for a backbone with these taps.
    ///
    /// # Errors
    /// [`ModelError::Mismatch`] when it has no such maps, [`ModelError::InvalidOptions`] for an absurd width.
    pub fn build(&self, backbone: &str, taps: &[Tap], device: &Device) -> Result<Pafpn, ModelError> {
        let levels = self.levels.choose(NAME, backbone, taps)?;
        let down = FpnConfig { levels: self.levels.clone(), width: self.width, extra: ExtraLevels::None };
        let fpn = down.build(backbone, taps, device)?;
        let steps = 1..levels.len();
        let last = levels[levels.len() - 1];
        Ok(Pafpn {
            fpn,
            downsample_blocks: steps.clone().map(|_| plain_conv([self.width; 2], 3, 2, device)).collect(),
            fusion_blocks: steps.map(|_| plain_conv([self.width; 2], 3, 1, device)).collect(),
            extra_blocks: self.extra.init(last.channels, self.width, device),
            last,
            taps: pyramid_taps(&levels, self.extra.count(), self.width),
        })
    }
}

impl Neck for Pafpn {
    fn reads(&self) -> TapSet {
        self.fpn.reads()
    }

    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn forward(&self, features: Features) -> Features {
        let picture = features.picture_size();
        let last = features.clone().take_map(self.last.tap);
        let mut down = self.fpn.forward(features);
        let mut pyramid = vec![down.take_map(0)];
        for (index, (shrink, fuse)) in self.downsample_blocks.iter().zip(&self.fusion_blocks).enumerate() {
            let map = down.take_map(index + 1);
            let below = activation::relu(shrink.forward_mixed(pyramid[index].clone()));
            let merged = nearest(below, size(&map)) + map;
            pyramid.push(activation::relu(fuse.forward_mixed(merged)));
        }
        self.extra_blocks.extend(&mut pyramid, last);
        hand_on(&pyramid, picture)
    }
}
