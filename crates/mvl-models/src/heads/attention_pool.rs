//! A classifier that looks where it wants to: a learnt token attends over the last features, then (layer normalisation) → dropout
//! → linear; maps `[N, C, H, W]` or tokens `[N, L, C]` → logits `[N, K]`.
//!
//! Cells of a map carry no positions: what they know of where they are, the backbone told them.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use mvl_core::{BoxedHead, Features, Head, HeadFactory, MixedForward, ModelConfig, ModelError, Tap, TapSet};
use serde::{Deserialize, Serialize};

use super::cells::Cells;
use super::pooling::check_dropout;
use crate::layers::{AttentionPool, AttentionPoolConfig};

const NAME: &str = "attention_pool";
/// Heads unless said otherwise, fewer where they do not divide the channels.
const HEADS: usize = 8;
/// The widest MLP, so that a config cannot ask for all of memory.
const MAX_MLP_RATIO: f64 = 16.0;

/// Options of the head `attention_pool`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttentionPoolHeadOptions {
    /// Attention heads, which must divide the channels; the largest of 8, 4, 2, 1 that does, unless said otherwise.
    pub heads: Option<usize>,
    /// Width of the MLP's hidden layer as a multiple of the channels.
    pub mlp_ratio: f64,
    /// Added to the variance by the layer normalisation before the MLP; null leaves it out.
    pub mlp_norm: Option<f64>,
    /// Layer normalisation of the pooled vector, with this added to the variance.
    pub norm: Option<f64>,
    /// Share of the pooled features that is dropped in training.
    pub dropout: f64,
    /// Whether the linear layer has a bias.
    pub bias: bool,
}

impl Default for AttentionPoolHeadOptions {
    fn default() -> Self {
        Self { heads: None, mlp_ratio: 4.0, mlp_norm: Some(1e-6), norm: None, dropout: 0.0, bias: true }
    }
}

/// Attention pool over the last features, layer normalisation where asked for, dropout, linear layer.
#[derive(Module, Debug)]
pub struct AttentionPoolHead {
    attn_pool: AttentionPool,
    norm: Option<LayerNorm>,
    dropout: Dropout,
    linear: Linear,
    #[module(skip)]
    cells: Cells,
}

impl Head for AttentionPoolHead {
    type Output = Tensor<2>;

    fn reads(&self) -> TapSet {
        TapSet::one(self.cells.tap)
    }

    fn forward(&self, mut features: Features) -> Tensor<2> {
        let pooled = self.attn_pool.forward(self.cells.forward(&mut features)); // [N, C]
        let pooled = match &self.norm {
            Some(norm) => norm.forward_mixed(pooled),
            None => pooled,
        };
        self.linear.forward_mixed(self.dropout.forward(pooled)) // [N, K]
    }
}

/// Creates [`AttentionPoolHead`]s under the name `attention_pool`.
#[derive(Debug, Clone, Copy)]
pub struct AttentionPoolHeadFactory;

impl HeadFactory<Tensor<2>> for AttentionPoolHeadFactory {
    fn name(&self) -> &str {
        NAME
    }

    fn create_head(
        &self,
        config: &ModelConfig,
        taps: &[Tap],
        device: &Device,
    ) -> Result<BoxedHead<Tensor<2>>, ModelError> {
        let options: AttentionPoolHeadOptions = config.head.options.read(NAME)?;
        check_dropout(NAME, options.dropout)?;
        if !(options.mlp_ratio > 0.0 && options.mlp_ratio <= MAX_MLP_RATIO) {
            let what = format!("mlp_ratio: expected above 0 to {MAX_MLP_RATIO}, got {}", options.mlp_ratio);
            return Err(ModelError::InvalidOptions { owner: NAME.to_owned(), what });
        }
        let cells = Cells::of_last(NAME, config, taps)?;
        let width = cells.channels;
        let heads = options.heads.unwrap_or_else(|| 1 << width.trailing_zeros().min(HEADS.ilog2()));
        if heads == 0 || !width.is_multiple_of(heads) {
            return Err(ModelError::Mismatch {
                head: NAME.to_owned(),
                backbone: config.name.clone(),
                what: format!("{heads} attention heads do not divide the {width} channels of {:?}", cells.name),
            });
        }
        let pool = AttentionPoolConfig::new(width, heads).with_mlp_ratio(options.mlp_ratio).with_norm(options.mlp_norm);
        Ok(BoxedHead::new(AttentionPoolHead {
            attn_pool: pool.init(device),
            norm: options.norm.map(|epsilon| LayerNormConfig::new(width).with_epsilon(epsilon).init(device)),
            dropout: DropoutConfig::new(options.dropout).init(),
            linear: LinearConfig::new(width, config.num_classes).with_bias(options.bias).init(device),
            cells,
        }))
    }
}
