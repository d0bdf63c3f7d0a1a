//! Attention inside windows and a multi-layer perceptron, each added to its input. `[N, H, W, C]` → `[N, H, W, C]`

use burn::config::Config;
use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig};
use burn::tensor::{Device, Tensor};
use mvl_core::MixedForward;

use super::attention::{WindowAttention, WindowAttentionConfig};
use super::net::{EPSILON, SwinVersion};
use crate::layers::{Activation, DropPath, Mlp};

const EXPANSION: usize = 4;

/// Configuration of a [`SwinBlock`].
#[derive(Config, Debug)]
pub struct SwinBlockConfig {
    /// The attention's, with channels and version of the block.
    pub attention: WindowAttentionConfig,
    /// Share of the samples that leave a branch out in training.
    #[config(default = 0.0)]
    pub drop_path: f64,
}

/// Normalised before each branch in version 1, after it in version 2.
#[derive(Module, Debug)]
pub struct SwinBlock {
    norm1: LayerNorm,
    attn: WindowAttention,
    norm2: LayerNorm,
    mlp: Mlp,
    drop_path: DropPath,
    #[module(skip)]
    version: SwinVersion,
}

impl SwinBlockConfig {
    /// Creates the block.
    ///
    /// # Panics
    /// If the heads do not divide the channels.
    pub fn init(&self, device: &Device) -> SwinBlock {
        let WindowAttentionConfig { channels, version, .. } = self.attention;
        let norm = || LayerNormConfig::new(channels).with_epsilon(EPSILON).init(device);
        SwinBlock {
            norm1: norm(),
            attn: self.attention.init(device),
            norm2: norm(),
            mlp: Mlp::new(channels, EXPANSION * channels, Activation::Gelu, device),
            drop_path: DropPath::new(self.drop_path),
            version,
        }
    }
}

impl SwinBlock {
    /// # Shapes
    /// `[N, H, W, C]` → `[N, H, W, C]`
    #[must_use]
    pub fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        let map = self.add(map, &self.norm1, |map| self.attn.forward(map));
        self.add(map, &self.norm2, |map| self.mlp.forward(map))
    }

    fn add(&self, map: Tensor<4>, norm: &LayerNorm, branch: impl Fn(Tensor<4>) -> Tensor<4>) -> Tensor<4> {
        let answer = match self.version {
            SwinVersion::V1 => branch(norm.forward_mixed(map.clone())),
            SwinVersion::V2 => norm.forward_mixed(branch(map.clone())),
        };
        map + self.drop_path.forward(answer)
    }
}
