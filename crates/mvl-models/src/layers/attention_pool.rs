//! Pooling by attention: learnt latent tokens ask all tokens, and an MLP follows. Lee, Lee, Kim, Kosiorek, Choi, Teh 2018 (Set
//! Transformer), <https://arxiv.org/abs/1810.00825>; Zhai, Kolesnikov, Houlsby, Beyer 2021, <https://arxiv.org/abs/2106.04560>.
//! timm's `AttentionPoolLatent` with one latent. `[N, L, C]` → `[N, C]`

use burn::config::Config;
use burn::module::{Initializer, Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation};
use mvl_core::MixedForward;

use super::activation::Activation;
use super::mlp::Mlp;

/// Configuration of an [`AttentionPool`].
#[derive(Config, Debug)]
pub struct AttentionPoolConfig {
    /// Width of a token.
    pub channels: usize,
    /// Heads; they divide the channels.
    pub heads: usize,
    /// Width of the MLP's hidden layer as a multiple of the channels.
    #[config(default = 4.0)]
    pub mlp_ratio: f64,
    /// Added to the variance by the layer normalisation before the MLP; none leaves the normalisation out.
    pub norm: Option<f64>,
    /// What is inside the MLP.
    #[config(default = "Activation::Gelu")]
    pub activation: Activation,
}

/// One learnt token asks all tokens, an MLP follows.
#[derive(Module, Debug)]
pub struct AttentionPool {
    /// The learnt token, `[1, 1, C]`.
    pub latent: Param<Tensor<3>>,
    /// To its query.
    pub q: Linear,
    /// To keys and values, one after the other.
    pub kv: Linear,
    /// Of the heads' answers.
    pub proj: Linear,
    /// Before the MLP.
    pub norm: Option<LayerNorm>,
    /// What follows, beside a shortcut.
    pub mlp: Mlp,
    heads: usize,
}

impl AttentionPoolConfig {
    /// Creates the layer; the latent token is drawn from N(0, 1 / C).
    ///
    /// # Panics
    /// If the heads do not divide the channels.
    pub fn init(&self, device: &Device) -> AttentionPool {
        let (channels, heads) = (self.channels, self.heads);
        assert!(heads > 0 && channels.is_multiple_of(heads), "{heads} heads do not divide {channels} channels");
        let std = (channels as f64).powf(-0.5);
        let hidden = ((channels as f64 * self.mlp_ratio) as usize).max(1);
        AttentionPool {
            latent: Initializer::Normal { mean: 0.0, std }.init([1, 1, channels], device),
            q: LinearConfig::new(channels, channels).init(device),
            kv: LinearConfig::new(channels, 2 * channels).init(device),
            proj: LinearConfig::new(channels, channels).init(device),
            norm: self.norm.map(|epsilon| LayerNormConfig::new(channels).with_epsilon(epsilon).init(device)),
            mlp: Mlp::new(channels, hidden, self.activation, device),
            heads,
        }
    }
}

impl AttentionPool {
    /// # Shapes
    /// `[N, L, C]` → `[N, C]`
    #[must_use]
    pub fn forward(&self, tokens: Tensor<3>) -> Tensor<2> {
        let [count, length, channels] = tokens.dims();
        let width = channels / self.heads;
        let query = self.q.forward_mixed(self.latent.val()).reshape([1, 1, self.heads, width]).swap_dims(1, 2); // [1, heads, 1, C / heads]
        let kv = self.kv.forward_mixed(tokens).reshape([count, length, 2, self.heads, width]);
        let [keys, values] = [0, 1].map(|which| {
            let part: Tensor<4> = kv.clone().narrow(2, which, 1).squeeze_dim(2); // [N, L, heads, C / heads]
            part.swap_dims(1, 2) // [N, heads, L, C / heads]
        });
        let scores = (query * (width as f64).powf(-0.5)).matmul(keys.swap_dims(2, 3)); // [N, heads, 1, L]
        let answers = activation::softmax(scores, 3).matmul(values); // [N, heads, 1, C / heads]
        let pooled: Tensor<2> = self.proj.forward_mixed(answers.reshape([count, channels]));
        let normed = match &self.norm {
            Some(norm) => norm.forward_mixed(pooled.clone()),
            None => pooled.clone(),
        };
        pooled + self.mlp.forward(normed)
    }
}
