//! The block: attention and then two linear layers, each a normalised residual branch. `[N, L, C]` → `[N, L, C]`

use burn::config::Config;
use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig};
use burn::tensor::{Device, Tensor};
use mvl_core::MixedForward;

use crate::layers::{Activation, DropPath, LayerScale, Mlp, SelfAttention, SelfAttentionConfig};

/// Width of the hidden layer for each channel of a token.
const MLP_RATIO: usize = 4;

/// Configuration of a [`TransformerBlock`].
#[derive(Config, Debug)]
pub struct TransformerBlockConfig {
    /// Width of a token.
    pub channels: usize,
    /// Heads of the attention; they divide the channels.
    pub heads: usize,
    /// What is added to a variance.
    #[config(default = 1e-6)]
    pub epsilon: f64,
    /// Between the linear layers.
    #[config(default = "Activation::Gelu")]
    pub activation: Activation,
    /// Where learnt factors of the branches begin; without them if not given.
    pub layer_scale: Option<f64>,
}

/// `x + branch(norm(x))`, for attention and then for the linear layers.
#[derive(Module, Debug)]
pub struct TransformerBlock {
    norm1: LayerNorm,
    attn: SelfAttention,
    ls1: Option<LayerScale>,
    norm2: LayerNorm,
    mlp: Mlp,
    ls2: Option<LayerScale>,
    drop_path: DropPath,
}

impl TransformerBlockConfig {
    /// Creates the block; in training `drop_path` leaves out its branches.
    ///
    /// # Panics
    /// If the heads do not divide the channels.
    pub fn init(&self, drop_path: DropPath, device: &Device) -> TransformerBlock {
        let norm = || LayerNormConfig::new(self.channels).with_epsilon(self.epsilon).init(device);
        let scale = || self.layer_scale.map(|value| LayerScale::new(self.channels, value, device));
        TransformerBlock {
            norm1: norm(),
            attn: SelfAttentionConfig::new(self.channels, self.heads).init(device),
            ls1: scale(),
            norm2: norm(),
            mlp: Mlp::new(self.channels, MLP_RATIO * self.channels, self.activation, device),
            ls2: scale(),
            drop_path,
        }
    }
}

impl TransformerBlock {
    /// # Shapes
    /// `[N, L, C]` → `[N, L, C]`
    #[must_use]
    pub fn forward(&self, tokens: Tensor<3>) -> Tensor<3> {
        let branch = self.attn.forward(self.norm1.forward_mixed(tokens.clone()));
        let tokens = self.add(tokens, branch, self.ls1.as_ref());
        let branch = self.mlp.forward(self.norm2.forward_mixed(tokens.clone()));
        self.add(tokens, branch, self.ls2.as_ref())
    }

    fn add(&self, tokens: Tensor<3>, branch: Tensor<3>, scale: Option<&LayerScale>) -> Tensor<3> {
        let branch = match scale {
            Some(scale) => scale.tokens(branch),
            None => branch,
        };
        tokens + self.drop_path.forward(branch)
    }
}
