//! The decoder of a U-Net: doubles the coarsest map step by step, and at each step takes in the backbone's map of that size.
//! Ronneberger, Fischer, Brox 2015, <https://arxiv.org/abs/1505.04597>. Maps `[N, Cᵢ, Hᵢ, Wᵢ]` → maps `[N, widthᵢ, Hᵢ, Wᵢ]`.
//!
//! As segmentation_models_pytorch has it: nearest cells instead of transposed convolutions, padded convolutions with batch
//! normalisation, and steps without a map of the backbone until the picture's size is reached.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use mvl_core::{Features, ModelError, Neck, Tap, TapSet};
use serde::{Deserialize, Serialize};

use super::levels::{Level, Levels, check_width, hand_on, level_name, nearest, reads, size};
use crate::layers::{ConvNormAct, ConvNormActConfig};

const NAME: &str = "unet";

/// Configuration of a [`UnetDecoder`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UnetDecoderConfig {
    /// Which maps it reads.
    pub levels: Levels,
    /// Channels after each step, from the coarsest on; as many are used as there are steps.
    pub widths: Vec<usize>,
    /// Whether it goes on to the picture's own size.
    pub full_size: bool,
}

impl Default for UnetDecoderConfig {
    fn default() -> Self {
        Self { levels: Levels::Coarsest(5), widths: vec![256, 128, 64, 32, 16], full_size: true }
    }
}

/// Steps from coarse to fine.
#[derive(Module, Debug)]
pub struct UnetDecoder {
    blocks: Vec<UnetBlock>,
    #[module(skip)]
    levels: Vec<Level>,
    #[module(skip)]
    taps: Vec<Tap>,
}

impl UnetDecoderConfig {
    /// Creates the neck for a backbone with these taps.
    ///
    /// # Errors
    /// [`ModelError::Mismatch`] when it has no such maps, [`ModelError::InvalidOptions`] for too few or absurd widths.
    pub fn build(&self, backbone: &str, taps: &[Tap], device: &Device) -> Result<UnetDecoder, ModelError> {
        let levels = self.levels.choose(NAME, backbone, taps)?;
        // stride and channels of the backbone's map at each step, which after the finest are none
        let mut steps: Vec<(usize, usize)> =
            levels.iter().rev().skip(1).map(|level| (level.stride, level.channels)).collect();
        let mut stride = levels[0].stride;
        while self.full_size && stride.is_multiple_of(2) {
            stride /= 2;
            steps.push((stride, 0));
        }
        if self.widths.len() < steps.len() {
            let strides: Vec<_> = steps.iter().map(|(stride, _)| stride).collect();
            let what =
                format!("widths: expected {} for steps to strides {strides:?}, got {:?}", steps.len(), self.widths);
            return Err(ModelError::InvalidOptions { owner: NAME.to_owned(), what });
        }
        let coarsest = levels[levels.len() - 1];
        let mut channels = coarsest.channels;
        let mut out = vec![Tap::map(level_name(coarsest.stride), channels, coarsest.stride)];
        let mut blocks = Vec::with_capacity(steps.len());
        for ((stride, skip), &width) in steps.into_iter().zip(&self.widths) {
            check_width(NAME, "widths", width)?;
            blocks.push(UnetBlock {
                conv1: ConvNormActConfig::new([channels + skip, width], [3, 3]).init(device),
                conv2: ConvNormActConfig::new([width; 2], [3, 3]).init(device),
            });
            out.push(Tap::map(level_name(stride), width, stride));
            channels = width;
        }
        out.reverse();
        Ok(UnetDecoder { blocks, levels, taps: out })
    }
}

impl Neck for UnetDecoder {
    fn reads(&self) -> TapSet {
        reads(&self.levels)
    }

    /// Those of every step, and the backbone's coarsest as it came.
    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn forward(&self, mut features: Features) -> Features {
        let picture = features.picture_size();
        let mut skips: Vec<_> = self.levels.iter().map(|level| features.take_map(level.tap)).collect();
        let mut map = skips.pop().expect("there is a level");
        let mut maps = vec![map.clone()];
        for (block, tap) in self.blocks.iter().zip(self.taps.iter().rev().skip(1)) {
            let skip = skips.pop();
            let size = match (&skip, picture) {
                (Some(skip), _) => size(skip),
                (None, Some(sides)) => sides.map(|side| side.div_ceil(tap.stride)),
                (None, None) => size(&map).map(|side| 2 * side),
            };
            map = block.forward(nearest(map, size), skip);
            maps.push(map.clone());
        }
        maps.reverse();
        hand_on(&maps, picture)
    }
}

/// Two convolutions on a map beside the backbone's.
#[derive(Module, Debug)]
struct UnetBlock {
    conv1: ConvNormAct,
    conv2: ConvNormAct,
}

impl UnetBlock {
    fn forward(&self, map: Tensor<4>, skip: Option<Tensor<4>>) -> Tensor<4> {
        let map = match skip {
            Some(skip) => Tensor::cat(vec![map, skip], 1),
            None => map,
        };
        self.conv2.forward(self.conv1.forward(map))
    }
}
