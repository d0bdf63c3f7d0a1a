//! The net: patches become tokens, blocks work on them, `[N, C, H, W]` → a map for each block and the normalised tokens.

use burn::config::Config;
use burn::module::{Initializer, Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{LayerNorm, LayerNormConfig};
use burn::tensor::{Device, Tensor};
use mvl_core::{Backbone, Features, InputSides, KeyMap, MixedForward, Tap, TapSet};

use super::block::{TransformerBlock, TransformerBlockConfig};
use super::position::PositionEmbedding;
use crate::layers::{Activation, DropPath};

/// From the paths of a classifier with a [`VisionTransformer`] to timm's keys.
pub(super) const KEY_MAP: KeyMap = KeyMap(&[
    (r"^backbone\.", ""),
    (r"^patch_embed\.", "patch_embed.proj."),
    (r"^head\.linear\.", "head."),
    (r"^head\.distilled\.", "head_dist."),
    (r"^head\.norm\.", "fc_norm."),
]);

/// Standard deviation of fresh position embeddings, and of fresh tokens.
const POSITION_STD: f64 = 0.02;
const TOKEN_STD: f64 = 1e-6;

/// The shape of a [`VisionTransformer`].
#[derive(Config, Debug)]
pub struct VisionTransformerConfig {
    /// Side of a patch, in pixels.
    pub patch: usize,
    /// Width of a token.
    pub channels: usize,
    /// Blocks.
    pub depth: usize,
    /// Heads of each attention; they divide the channels.
    pub heads: usize,
    /// Side of the pictures that positions are learnt for, in pixels: a multiple of the patch's. At other sizes they are resampled.
    #[config(default = 224)]
    pub input_side: usize,
    /// Channels of the picture.
    #[config(default = 3)]
    pub in_channels: usize,
    /// Whether a distillation token follows the class token.
    #[config(default = false)]
    pub distillation_token: bool,
    /// How many registers follow: tokens without a meaning of their own.
    #[config(default = 0)]
    pub registers: usize,
    /// Whether the tokens before the patches have learnt positions as well.
    #[config(default = true)]
    pub prefix_positions: bool,
    /// Whether tokens are normalised before the first block; the patches' convolution has no bias then.
    #[config(default = false)]
    pub pre_norm: bool,
    /// What is added to a variance.
    #[config(default = 1e-6)]
    pub epsilon: f64,
    /// Between the linear layers of a block.
    #[config(default = "Activation::Gelu")]
    pub activation: Activation,
    /// Where learnt factors of the branches begin; without them if not given.
    pub layer_scale: Option<f64>,
    /// Share of the samples for which the last block's branches are left out in training; it grows from 0 at the first.
    #[config(default = 0.0)]
    pub drop_path: f64,
}

/// A vision transformer without its classifier.
///
/// Taps: `blocks.0` … one a block, as maps of patches, and `norm`: all tokens after the last normalisation, the class token first.
#[derive(Module, Debug)]
pub struct VisionTransformer {
    patch_embed: Conv2d,
    cls_token: Param<Tensor<3>>,
    dist_token: Option<Param<Tensor<3>>>,
    reg_token: Option<Param<Tensor<3>>>,
    pos_embed: Param<Tensor<3>>,
    norm_pre: Option<LayerNorm>,
    blocks: Vec<TransformerBlock>,
    norm: LayerNorm,
    #[module(skip)]
    positions: PositionEmbedding,
    #[module(skip)]
    taps: Vec<Tap>,
}

impl VisionTransformerConfig {
    /// Tokens before those of the patches.
    #[must_use]
    pub fn prefix(&self) -> usize {
        1 + usize::from(self.distillation_token) + self.registers
    }

    /// Creates the net.
    ///
    /// # Panics
    /// If the heads do not divide the channels or the patch's side not the picture's.
    pub fn init(&self, device: &Device) -> VisionTransformer {
        let Self { patch, channels, depth, input_side, .. } = *self;
        assert!(input_side.is_multiple_of(patch), "patches of {patch} pixels do not divide {input_side} pixels");
        let positions = PositionEmbedding {
            prefix: if self.prefix_positions { self.prefix() } else { 0 },
            side: input_side / patch,
        };
        let tokens = |count, std| Initializer::Normal { mean: 0.0, std }.init([1, count, channels], device);
        let norm = || LayerNormConfig::new(channels).with_epsilon(self.epsilon).init(device);
        let block = TransformerBlockConfig::new(channels, self.heads)
            .with_epsilon(self.epsilon)
            .with_activation(self.activation)
            .with_layer_scale(self.layer_scale);
        let mut taps: Vec<_> = (0..depth).map(|index| Tap::map(format!("blocks.{index}"), channels, patch)).collect();
        taps.push(Tap::tokens("norm", channels, patch).with_prefix(self.prefix()));
        VisionTransformer {
            patch_embed: Conv2dConfig::new([self.in_channels, channels], [patch; 2])
                .with_stride([patch; 2])
                .with_bias(!self.pre_norm)
                .init(device),
            cls_token: tokens(1, TOKEN_STD),
            dist_token: self.distillation_token.then(|| tokens(1, POSITION_STD)),
            reg_token: (self.registers > 0).then(|| tokens(self.registers, TOKEN_STD)),
            pos_embed: tokens(positions.len(), POSITION_STD),
            norm_pre: self.pre_norm.then(norm),
            blocks: DropPath::growing(self.drop_path, depth).map(|drop_path| block.init(drop_path, device)).collect(),
            norm: norm(),
            positions,
            taps,
        }
    }
}

impl VisionTransformer {
    /// Patches as tokens with their positions, class token and others before them.
    ///
    /// # Shapes
    /// `[N, C, H, W]` → `[N, prefix + H/patch · W/patch, C]`, (H/patch, W/patch)
    fn embed(&self, images: Tensor<4>) -> (Tensor<3>, [usize; 2]) {
        let patches = self.patch_embed.forward_mixed(images); // [N, C, H/patch, W/patch]
        let [count, channels, rows, columns] = patches.dims();
        let (prefix_positions, positions) = self.positions.at(self.pos_embed.val(), [rows, columns]);
        let patches = patches.flatten::<3>(2, 3).swap_dims(1, 2) + positions; // [N, L, C]
        let others = [&self.dist_token, &self.reg_token].into_iter().flatten();
        let prefix = std::iter::once(&self.cls_token).chain(others).map(Param::val).collect();
        let prefix = Tensor::cat(prefix, 1); // [1, prefix, C]
        let prefix = match prefix_positions {
            Some(positions) => prefix + positions,
            None => prefix,
        };
        let length = prefix.dims()[1];
        let tokens = Tensor::cat(vec![prefix.expand([count, length, channels]), patches], 1);
        let tokens = match &self.norm_pre {
            Some(norm) => norm.forward_mixed(tokens),
            None => tokens,
        };
        (tokens, [rows, columns])
    }
}

impl Backbone for VisionTransformer {
    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn sides(&self) -> InputSides {
        InputSides::multiples_of(self.taps[0].stride)
    }

    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features {
        let mut features = Features::new();
        let Some(last) = keep.last() else { return features };
        let (mut tokens, [rows, columns]) = self.embed(images);
        for (tap, block) in self.blocks.iter().enumerate().take(last + 1) {
            tokens = block.forward(tokens);
            if keep.contains(tap) {
                let [count, length, channels] = tokens.dims();
                let patches = tokens.clone().narrow(1, length - rows * columns, rows * columns);
                let map = patches.swap_dims(1, 2).reshape([count, channels, rows, columns]);
                features.keep_map(keep, tap, &map);
            }
        }
        if last == self.blocks.len() {
            features.keep_tokens(keep, last, &self.norm.forward_mixed(tokens));
        }
        features
    }
}
