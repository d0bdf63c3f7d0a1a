//! Multi-head self-attention with queries, keys and values from one linear layer, as timm's vision transformers have it. Vaswani
//! et al. 2017, <https://arxiv.org/abs/1706.03762>. `[N, L, C]` → `[N, L, C]`

use burn::config::Config;
use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, activation};
use mvl_core::MixedForward;

use super::linear::transformer_linear;

/// Configuration of a [`SelfAttention`].
#[derive(Config, Debug)]
pub struct SelfAttentionConfig {
    /// Width of a token.
    pub channels: usize,
    /// Heads; they divide the channels.
    pub heads: usize,
    /// Whether queries, keys and values have a bias.
    #[config(default = true)]
    pub qkv_bias: bool,
}

/// Every token asks all tokens.
#[derive(Module, Debug)]
pub struct SelfAttention {
    /// To queries, keys and values, one after the other.
    pub qkv: Linear,
    /// Of the heads' answers.
    pub proj: Linear,
    heads: usize,
}

impl SelfAttentionConfig {
    /// Creates the layer.
    ///
    /// # Panics
    /// If the heads do not divide the channels.
    pub fn init(&self, device: &Device) -> SelfAttention {
        let Self { channels, heads, qkv_bias } = *self;
        assert!(channels.is_multiple_of(heads), "{heads} heads do not divide {channels} channels");
        SelfAttention {
            qkv: transformer_linear([channels, 3 * channels], qkv_bias, device),
            proj: transformer_linear([channels, channels], true, device),
            heads,
        }
    }
}

impl SelfAttention {
    /// # Shapes
    /// `[N, L, C]` → `[N, L, C]`
    #[must_use]
    pub fn forward(&self, tokens: Tensor<3>) -> Tensor<3> {
        self.forward_with_bias(tokens, None)
    }

    /// With something added to the scores before the softmax, such as relative positions.
    ///
    /// # Shapes
    /// `tokens`: `[N, L, C]`, `bias`: `[1 or N, heads, L, L]` → `[N, L, C]`
    #[must_use]
    pub fn forward_with_bias(&self, tokens: Tensor<3>, bias: Option<Tensor<4>>) -> Tensor<3> {
        let [count, length, channels] = tokens.dims();
        let width = channels / self.heads;
        let qkv = self.qkv.forward_mixed(tokens).reshape([count, length, 3, self.heads, width]);
        let [q, k, v] = [0, 1, 2].map(|which| {
            let part: Tensor<4> = qkv.clone().narrow(2, which, 1).squeeze_dim(2); // [N, L, heads, C / heads]
            part.swap_dims(1, 2) // [N, heads, L, C / heads]
        });
        let scores = (q * (width as f64).powf(-0.5)).matmul(k.swap_dims(2, 3)); // [N, heads, L, L]
        let scores = match bias {
            Some(bias) => scores + bias,
            None => scores,
        };
        let answers = activation::softmax(scores, 3).matmul(v); // [N, heads, L, C / heads]
        self.proj.forward_mixed(answers.swap_dims(1, 2).reshape([count, length, channels]))
    }
}
