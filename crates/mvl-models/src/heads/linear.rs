//! The usual classifier: average pool → dropout → linear, `[N, C, H, W]` → logits `[N, K]`.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use mvl_core::{BoxedHead, Features, Head, HeadFactory, ModelConfig, ModelError, Tap, TapSet};
use serde::{Deserialize, Serialize};

use super::pooling::{check_dropout, global_average_pool, last_map};

const NAME: &str = "linear";

/// Options of the head `linear`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinearHeadOptions {
    /// Share of the pooled features that is dropped in training.
    pub dropout: f64,
}

/// Average pool over the last map, dropout, linear layer.
#[derive(Module, Debug)]
pub struct LinearHead {
    dropout: Dropout,
    linear: Linear,
    tap: usize,
}

impl Head for LinearHead {
    type Output = Tensor<2>;

    fn reads(&self) -> TapSet {
        TapSet::one(self.tap)
    }

    fn forward(&self, mut features: Features) -> Tensor<2> {
        let pooled = global_average_pool(features.take_map(self.tap)); // [N, C]
        self.linear.forward(self.dropout.forward(pooled)) // [N, K]
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
        let (tap, map) = last_map(NAME, config, taps)?;
        let linear = LinearConfig::new(map.channels, config.num_classes).init(device);
        Ok(LinearHead { dropout: DropoutConfig::new(options.dropout).init(), linear, tap })
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
