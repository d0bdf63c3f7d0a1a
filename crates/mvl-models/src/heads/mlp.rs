//! A classifier with hidden layers: pool → (layer normalisation) → (linear → activation) … → linear; maps `[N, C, H, W]` or
//! tokens `[N, L, C]` → logits `[N, K]`.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use mvl_core::{BoxedHead, Features, Head, HeadFactory, MixedForward, ModelConfig, ModelError, Tap, TapSet};
use serde::{Deserialize, Serialize};

use super::pooling::{Pool, Pooling, check_dropout, check_hidden};
use crate::layers::Activation;

const NAME: &str = "mlp";
/// The most hidden layers, so that a config cannot ask for all of memory.
const MAX_LAYERS: usize = 16;

/// Options of the head `mlp`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MlpHeadOptions {
    /// How the last features become one vector.
    pub pool: Pooling,
    /// Layer normalisation of that vector, with this added to the variance.
    pub norm: Option<f64>,
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// What follows each hidden layer.
    pub activation: Activation,
    /// Share that is dropped in training.
    pub dropout: f64,
    /// Where it is dropped.
    pub dropout_place: DropoutPlace,
    /// Whether the last linear layer has a bias.
    pub bias: bool,
}

impl Default for MlpHeadOptions {
    fn default() -> Self {
        Self {
            pool: Pooling::Average,
            norm: None,
            hidden: vec![256],
            activation: Activation::Relu,
            dropout: 0.0,
            dropout_place: DropoutPlace::AfterHidden,
            bias: true,
        }
    }
}

/// Where dropout acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropoutPlace {
    /// On what goes into each hidden layer.
    BeforeHidden,
    /// On what comes out of each hidden layer's activation.
    AfterHidden,
}

/// Pool over the last features, hidden layers, linear layer.
#[derive(Module, Debug)]
pub struct MlpHead {
    norm: Option<LayerNorm>,
    hidden: Vec<Linear>,
    dropout: Dropout,
    linear: Linear,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    dropout_place: DropoutPlace,
    #[module(skip)]
    pool: Pool,
}

impl Head for MlpHead {
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
        let drop =
            |place, features| if place == self.dropout_place { self.dropout.forward(features) } else { features };
        let hidden = self.hidden.iter().fold(pooled, |features, layer| {
            let features = layer.forward_mixed(drop(DropoutPlace::BeforeHidden, features));
            drop(DropoutPlace::AfterHidden, self.activation.forward(features))
        });
        self.linear.forward_mixed(hidden) // [N, K]
    }
}

/// Creates [`MlpHead`]s under the name `mlp`. All layers start as PyTorch's linear layers.
#[derive(Debug, Clone, Copy)]
pub struct MlpHeadFactory;

impl HeadFactory<Tensor<2>> for MlpHeadFactory {
    fn name(&self) -> &str {
        NAME
    }

    fn create_head(
        &self,
        config: &ModelConfig,
        taps: &[Tap],
        device: &Device,
    ) -> Result<BoxedHead<Tensor<2>>, ModelError> {
        let options: MlpHeadOptions = config.head.options.read(NAME)?;
        check_dropout(NAME, options.dropout)?;
        if !(1..=MAX_LAYERS).contains(&options.hidden.len()) {
            let what = format!("hidden: expected 1 to {MAX_LAYERS} layers, got {}", options.hidden.len());
            return Err(ModelError::InvalidOptions { owner: NAME.to_owned(), what });
        }
        options.hidden.iter().try_for_each(|&width| check_hidden(NAME, width))?;
        let pool = Pool::new(NAME, options.pool, config, taps)?;
        let mut width = pool.width;
        let hidden = options.hidden.iter().map(|&next| {
            let layer = LinearConfig::new(width, next).init(device);
            width = next;
            layer
        });
        let hidden = hidden.collect();
        Ok(BoxedHead::new(MlpHead {
            norm: options.norm.map(|epsilon| LayerNormConfig::new(pool.width).with_epsilon(epsilon).init(device)),
            hidden,
            dropout: DropoutConfig::new(options.dropout).init(),
            linear: LinearConfig::new(width, config.num_classes).with_bias(options.bias).init(device),
            activation: options.activation,
            dropout_place: options.dropout_place,
            pool,
        }))
    }
}
