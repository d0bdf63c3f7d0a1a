//! The net: two convolutions, then four blocks of layers, each a convolutional block, attention in windows and attention in grids.
//! `[N, C, H, W]` → maps at strides 2 to 32.

use burn::config::Config;
use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::{Device, Tensor};
use mvl_core::{Backbone, Features, InputSides, Tap, TapSet};

use super::attention::{PartitionAttention, PartitionAttentionConfig};
use super::mb_conv::MbConv;
use super::partition::Partition;
use crate::layers::{Activation, ConvNormAct, ConvNormActConfig, DropPath, small_conv};

/// Added to the variance, and the newest batch's share in running statistics.
pub(super) const EPSILON: f64 = 1e-3;
pub(super) const MOMENTUM: f64 = 0.01;
/// Heads of the first block; each further block has twice as many.
const HEADS: usize = 2;
const STEM_STRIDE: usize = 2;
const LAST_STRIDE: usize = 32;

/// The shape of a [`MaxVit`].
#[derive(Config, Debug)]
pub struct MaxVitConfig {
    /// Layers in each block.
    pub depths: [usize; 4],
    /// Cells along the side of a window and of a grid.
    pub partition: usize,
    /// Channels of a head; the first block has two heads, each further one twice as many.
    pub head_channels: usize,
    /// Channels of the picture.
    #[config(default = 3)]
    pub in_channels: usize,
    /// Share of the samples that leave the last layer's branches out in training; from 0 it grows with depth.
    #[config(default = 0.0)]
    pub drop_path: f64,
}

/// A convolutional block, attention in windows, attention in grids.
#[derive(Module, Debug)]
pub struct MaxVitLayer {
    mb_conv: MbConv,
    window_attention: PartitionAttention,
    grid_attention: PartitionAttention,
}

impl MaxVitLayer {
    /// # Shapes
    /// `[N, C, H, W]` → `[N, C', H / stride, W / stride]`
    #[must_use]
    pub fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        let map = self.mb_conv.forward(map).permute([0, 2, 3, 1]); // [N, H, W, C]
        self.grid_attention.forward(self.window_attention.forward(map)).permute([0, 3, 1, 2])
    }
}

/// A MaxViT without its classifier.
///
/// Taps: `stem`, and `blocks.0` … one a block.
#[derive(Module, Debug)]
pub struct MaxVit {
    stem_first: ConvNormAct,
    stem_second: Conv2d,
    blocks: Vec<Vec<MaxVitLayer>>,
    partition: usize,
    #[module(skip)]
    taps: Vec<Tap>,
}

impl MaxVitConfig {
    /// Creates the net.
    pub fn init(&self, device: &Device) -> MaxVit {
        let mut channels = HEADS * self.head_channels;
        let stem_first = ConvNormActConfig::new([self.in_channels, channels], [3, 3])
            .with_stride(STEM_STRIDE)
            .with_activation(Activation::Gelu)
            .with_epsilon(EPSILON)
            .with_momentum(MOMENTUM);
        let stem_second = Conv2dConfig::new([channels; 2], [3, 3]).with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1));
        let (stem_first, stem_second) = (stem_first.init(device), small_conv(&stem_second, device));
        let mut taps = vec![Tap::map("stem", channels, STEM_STRIDE)];
        let mut blocks = Vec::with_capacity(self.depths.len());
        let mut shares = DropPath::shares(self.drop_path, self.depths.iter().sum());
        for (block, &depth) in self.depths.iter().enumerate() {
            let heads = HEADS << block;
            let layers = (0..depth).zip(shares.by_ref()).map(|(layer, share)| {
                let before = std::mem::replace(&mut channels, heads * self.head_channels);
                let stride = if layer == 0 { 2 } else { 1 };
                let attention = |partition| {
                    PartitionAttentionConfig::new(partition, self.partition, heads, self.head_channels)
                        .with_drop_path(share)
                        .init(device)
                };
                MaxVitLayer {
                    mb_conv: MbConv::new([before, channels], stride, share, device),
                    window_attention: attention(Partition::Window),
                    grid_attention: attention(Partition::Grid),
                }
            });
            blocks.push(layers.collect());
            taps.push(Tap::map(format!("blocks.{block}"), channels, (2 * STEM_STRIDE) << block));
        }
        MaxVit { stem_first, stem_second, blocks, partition: self.partition, taps }
    }
}

impl Backbone for MaxVit {
    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn sides(&self) -> InputSides {
        InputSides::multiples_of(LAST_STRIDE * self.partition)
    }

    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features {
        let mut features = Features::new();
        let Some(last) = keep.last() else { return features };
        let mut map = self.stem_second.forward(self.stem_first.forward(images)); // [N, C, H/2, W/2]
        features.keep_map(keep, 0, &map);
        for (tap, layers) in (1..=last).zip(&self.blocks) {
            map = layers.iter().fold(map, |map, layer| layer.forward(map));
            features.keep_map(keep, tap, &map);
        }
        features
    }
}
