//! Pictures as points on a sphere, for retrieval and verification: pool → linear → (batch normalisation) → unit length; maps
//! `[N, C, H, W]` or tokens `[N, L, C]` → embeddings `[N, D]`.
//!
//! The answer is not classes: train it with [`ArcFace`](crate::losses::ArcFace), which holds the classes' side. `num_classes` of the
//! config is not used here.

use burn::module::Module;
use burn::nn::{BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use mvl_core::{BoxedHead, Features, Head, HeadFactory, MixedForward, ModelConfig, ModelError, Tap, TapSet};
use serde::{Deserialize, Serialize};

use super::cells::Cells;
use super::pooling::check_dropout;
use crate::layers::{GeM, unit_length};

const NAME: &str = "embedding";
/// The longest embedding, so that a config cannot ask for all of memory.
const MAX_DIM: usize = 1 << 16;

/// Options of the head `embedding`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmbeddingHeadOptions {
    /// Numbers in an embedding.
    pub dim: usize,
    /// How the last features become one vector.
    pub pool: EmbeddingPooling,
    /// Share of the pooled features that is dropped in training.
    pub dropout: f64,
    /// Whether batch normalisation follows the linear layer, which then has no bias (Luo et al. 2019, the neck of
    /// <https://arxiv.org/abs/1903.07071>).
    pub batch_norm: bool,
}

impl Default for EmbeddingHeadOptions {
    fn default() -> Self {
        Self { dim: 512, pool: EmbeddingPooling::Gem, dropout: 0.0, batch_norm: true }
    }
}

/// How the last features become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbeddingPooling {
    /// The generalised mean with a learnt exponent; what is negative counts as nothing.
    Gem,
    /// The mean.
    Average,
}

/// Pool over the last features, dropout, linear layer, batch normalisation where asked for, unit length.
#[derive(Module, Debug)]
pub struct EmbeddingHead {
    gem: Option<GeM>,
    dropout: Dropout,
    linear: Linear,
    norm: Option<BatchNorm>,
    #[module(skip)]
    cells: Cells,
}

impl Head for EmbeddingHead {
    type Output = Tensor<2>;

    fn reads(&self) -> TapSet {
        TapSet::one(self.cells.tap)
    }

    fn forward(&self, mut features: Features) -> Tensor<2> {
        let cells = self.cells.forward(&mut features); // [N, L, C]
        let pooled: Tensor<2> = match &self.gem {
            Some(gem) => gem.forward(cells),
            None => cells.mean_dim(1).squeeze_dim(1),
        };
        let embedding = self.linear.forward_mixed(self.dropout.forward(pooled)); // [N, D]
        let embedding = match &self.norm {
            Some(norm) => norm.forward_mixed(embedding),
            None => embedding,
        };
        unit_length(embedding)
    }
}

/// Creates [`EmbeddingHead`]s under the name `embedding`.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddingHeadFactory;

impl EmbeddingHeadFactory {
    /// The head as its own type, for static networks.
    ///
    /// # Errors
    /// Like [`create_head`](HeadFactory::create_head).
    pub fn build(config: &ModelConfig, taps: &[Tap], device: &Device) -> Result<EmbeddingHead, ModelError> {
        let options: EmbeddingHeadOptions = config.head.options.read(NAME)?;
        check_dropout(NAME, options.dropout)?;
        if !(1..=MAX_DIM).contains(&options.dim) {
            let what = format!("dim: expected 1 to {MAX_DIM}, got {}", options.dim);
            return Err(ModelError::InvalidOptions { owner: NAME.to_owned(), what });
        }
        let cells = Cells::of_last(NAME, config, taps)?;
        Ok(EmbeddingHead {
            gem: (options.pool == EmbeddingPooling::Gem).then(|| GeM::new(device)),
            dropout: DropoutConfig::new(options.dropout).init(),
            linear: LinearConfig::new(cells.channels, options.dim).with_bias(!options.batch_norm).init(device),
            norm: options.batch_norm.then(|| BatchNormConfig::new(options.dim).init(device)),
            cells,
        })
    }
}

impl HeadFactory<Tensor<2>> for EmbeddingHeadFactory {
    fn name(&self) -> &str {
        NAME
    }

    fn create_head(
        &self,
        config: &ModelConfig,
        taps: &[Tap],
        device: &Device,
    ) -> Result<BoxedHead<Tensor<2>>, ModelError> {
        Self::build(config, taps, device).map(BoxedHead::new)
    }
}
