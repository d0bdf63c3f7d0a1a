//! A classifier with one hidden layer: average pool → linear → ReLU → dropout → linear, `[N, C, H, W]` → logits `[N, K]`.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation};
use mvl_core::{BoxedHead, Features, Head, HeadFactory, ModelConfig, ModelError, Tap, TapSet};
use serde::{Deserialize, Serialize};

use super::pooling::{check_dropout, global_average_pool, last_map};

const NAME: &str = "mlp";
/// The largest hidden layer, so that a config cannot ask for all of memory.
const MAX_HIDDEN: usize = 1 << 16;

/// Options of the head `mlp`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MlpHeadOptions {
    /// Width of the hidden layer.
    pub hidden: usize,
    /// Share of the hidden features that is dropped in training.
    pub dropout: f64,
}

impl Default for MlpHeadOptions {
    fn default() -> Self {
        Self { hidden: 256, dropout: 0.0 }
    }
}

/// Average pool over the last map, hidden layer, dropout, linear layer.
#[derive(Module, Debug)]
pub struct MlpHead {
    hidden: Linear,
    dropout: Dropout,
    linear: Linear,
    tap: usize,
}

impl Head for MlpHead {
    type Output = Tensor<2>;

    fn reads(&self) -> TapSet {
        TapSet::one(self.tap)
    }

    fn forward(&self, mut features: Features) -> Tensor<2> {
        let pooled = global_average_pool(features.take_map(self.tap)); // [N, C]
        let hidden = activation::relu(self.hidden.forward(pooled)); // [N, hidden]
        self.linear.forward(self.dropout.forward(hidden)) // [N, K]
    }
}

/// Creates [`MlpHead`]s under the name `mlp`. Both layers start as PyTorch's linear layers.
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
        if !(1..=MAX_HIDDEN).contains(&options.hidden) {
            let what = format!("hidden: expected 1 to {MAX_HIDDEN}, got {}", options.hidden);
            return Err(ModelError::InvalidOptions { owner: NAME.to_owned(), what });
        }
        let (tap, map) = last_map(NAME, config, taps)?;
        let hidden = LinearConfig::new(map.channels, options.hidden).init(device);
        let linear = LinearConfig::new(options.hidden, config.num_classes).init(device);
        Ok(BoxedHead::new(MlpHead { hidden, dropout: DropoutConfig::new(options.dropout).init(), linear, tap }))
    }
}
