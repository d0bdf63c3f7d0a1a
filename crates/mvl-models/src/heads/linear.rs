//! The usual classifier: pool → (layer normalisation) → dropout → linear; maps `[N, C, H, W]` or tokens `[N, L, C]` → logits
//! `[N, K]`.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use mvl_core::{BoxedHead, Features, Head, HeadFactory, MixedForward, ModelConfig, ModelError, Tap, TapSet};
use serde::{Deserialize, Serialize};

use super::pooling::{Pool, Pooling, check_dropout};

const NAME: &str = "linear";

/// Options of the head `linear`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinearHeadOptions {
    /// How the last features become one vector.
    pub pool: Pooling,
    /// Layer normalisation of that vector, with this added to the variance.
    pub norm: Option<f64>,
    /// Share of the pooled features that is dropped in training.
    pub dropout: f64,
    /// Whether the linear layer has a bias.
    pub bias: bool,
}

impl Default for LinearHeadOptions {
    fn default() -> Self {
        Self { pool: Pooling::Average, norm: None, dropout: 0.0, bias: true }
    }
}

/// Pool over the last features, layer normalisation where asked for, dropout, linear layer.
#[derive(Module, Debug)]
pub struct LinearHead {
    norm: Option<LayerNorm>,
    dropout: Dropout,
    linear: Linear,
    #[module(skip)]
    pool: Pool,
}

impl Head for LinearHead {
    type Output = Tensor<2>;

    fn reads(&self) -> TapSet {
        TapSet::one(self.pool.tap)
    }

    fn forward(&self, mut features: Features) -> Tensor<2> {
        let pooled = self.pool.forward(&mut features); // [N, C]
        let pooled = match &self.norm {
            Some(norm) => norm.forward_mixed(pooled),
            None => pooled,
        };
        self.linear.forward_mixed(self.dropout.forward(pooled)) // [N, K]
    }
}

/// Creates [`LinearHead`]s under the name `linear`. The linear layer starts as PyTorch's: uniform in ±1/√C.
#[derive(Debug, Clone, Copy)]
pub struct LinearHeadFactory;

impl LinearHeadFactory {
    /// The head as its own type, for static networks.
    ///
    /// # Errors
    /// Like [`create_head`](HeadFactory::create_head).
    pub fn build(config: &ModelConfig, taps: &[Tap], device: &Device) -> Result<LinearHead, ModelError> {
        let options: LinearHeadOptions = config.head.options.read(NAME)?;
        check_dropout(NAME, options.dropout)?;
        let pool = Pool::new(NAME, options.pool, config, taps)?;
        Ok(LinearHead {
            norm: options.norm.map(|epsilon| LayerNormConfig::new(pool.width).with_epsilon(epsilon).init(device)),
            dropout: DropoutConfig::new(options.dropout).init(),
            linear: LinearConfig::new(pool.width, config.num_classes).with_bias(options.bias).init(device),
            pool,
        })
    }
}

impl HeadFactory<Tensor<2>> for LinearHeadFactory {
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
