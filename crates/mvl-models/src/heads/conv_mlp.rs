//! A classifier whose hidden layer is a 1×1 convolution of the pooled features: pool → convolution → batch normalisation → activation
//! → dropout → linear; maps `[N, C, H, W]` or tokens `[N, L, C]` → logits `[N, K]`.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use mvl_core::{BoxedHead, Features, Head, HeadFactory, MixedForward, ModelConfig, ModelError, Tap, TapSet};
use serde::{Deserialize, Serialize};

use super::pooling::{Pool, Pooling, check_dropout, check_hidden};
use crate::layers::{Activation, ConvNormAct, ConvNormActConfig};

const NAME: &str = "conv_mlp";

/// Options of the head `conv_mlp`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConvMlpHeadOptions {
    /// How the last features become one vector.
    pub pool: Pooling,
    /// Width of the hidden layer.
    pub hidden: usize,
    /// What follows its normalisation.
    pub activation: Activation,
    /// Share of the hidden features that is dropped in training.
    pub dropout: f64,
}

impl Default for ConvMlpHeadOptions {
    fn default() -> Self {
        Self { pool: Pooling::Average, hidden: 1280, activation: Activation::Relu, dropout: 0.0 }
    }
}

/// Pool over the last features, convolution, normalisation, activation, dropout, linear layer.
#[derive(Module, Debug)]
pub struct ConvMlpHead {
    hidden: ConvNormAct,
    dropout: Dropout,
    linear: Linear,
    #[module(skip)]
    pool: Pool,
}

impl Head for ConvMlpHead {
    type Output = Tensor<2>;

    fn reads(&self) -> TapSet {
        TapSet::one(self.pool.tap)
    }

    fn forward(&self, mut features: Features) -> Tensor<2> {
        let pooled = self.pool.forward(&mut features); // [N, C]
        let [count, channels] = pooled.dims();
        let hidden = self.hidden.forward(pooled.reshape([count, channels, 1, 1])); // [N, hidden, 1, 1]
        self.linear.forward_mixed(self.dropout.forward(hidden.flatten(1, 3))) // [N, K]
    }
}

/// Creates [`ConvMlpHead`]s under the name `conv_mlp`.
#[derive(Debug, Clone, Copy)]
pub struct ConvMlpHeadFactory;

impl HeadFactory<Tensor<2>> for ConvMlpHeadFactory {
    fn name(&self) -> &str {
        NAME
    }

    fn create_head(
        &self,
        config: &ModelConfig,
        taps: &[Tap],
        device: &Device,
    ) -> Result<BoxedHead<Tensor<2>>, ModelError> {
        let options: ConvMlpHeadOptions = config.head.options.read(NAME)?;
        check_dropout(NAME, options.dropout)?;
        check_hidden(NAME, options.hidden)?;
        let pool = Pool::new(NAME, options.pool, config, taps)?;
        Ok(BoxedHead::new(ConvMlpHead {
            hidden: ConvNormActConfig::new([pool.width, options.hidden], [1; 2])
                .with_activation(options.activation)
                .init(device),
            dropout: DropoutConfig::new(options.dropout).init(),
            linear: LinearConfig::new(options.hidden, config.num_classes).init(device),
            pool,
        }))
    }
}
