//! The two classifiers of a distilled transformer, on the class token and on the distillation token, and the mean of their answers.
//! Touvron et al. 2021, <https://arxiv.org/abs/2012.12877>. `[N, L, C]` → `[N, K]`
//!
//! Training the second one against a teacher is left to whoever has a teacher: in training, too, the answer is the mean.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::tensor::{Device, Tensor};
use mvl_core::{BoxedHead, Features, Head, HeadFactory, Layout, MixedForward, ModelConfig, ModelError, Tap, TapSet};
use serde::{Deserialize, Serialize};

use super::pooling::check_dropout;
use crate::layers::transformer_linear;

const NAME: &str = "distilled";
/// The class token and the distillation token.
const TOKENS: usize = 2;

/// Options of the head `distilled`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DistilledHeadOptions {
    /// Share of each token that is dropped in training.
    pub dropout: f64,
}

/// A linear layer on each of the first two tokens.
#[derive(Module, Debug)]
pub struct DistilledHead {
    dropout: Dropout,
    linear: Linear,
    distilled: Linear,
    tap: usize,
}

impl Head for DistilledHead {
    type Output = Tensor<2>;

    fn reads(&self) -> TapSet {
        TapSet::one(self.tap)
    }

    fn forward(&self, mut features: Features) -> Tensor<2> {
        let tokens = self.dropout.forward(features.take_tokens(self.tap).narrow(1, 0, TOKENS)); // [N, 2, C]
        let logits = self.linear.forward_mixed(tokens.clone().narrow(1, 0, 1).squeeze_dim::<2>(1)); // [N, K]
        let distilled = self.distilled.forward_mixed(tokens.narrow(1, 1, 1).squeeze_dim::<2>(1));
        (logits + distilled) / 2.0
    }
}

/// Creates [`DistilledHead`]s under the name `distilled`.
#[derive(Debug, Clone, Copy)]
pub struct DistilledHeadFactory;

impl DistilledHeadFactory {
    /// The head as its own type, for static networks.
    ///
    /// # Errors
    /// Like [`create_head`](HeadFactory::create_head).
    pub fn build(config: &ModelConfig, taps: &[Tap], device: &Device) -> Result<DistilledHead, ModelError> {
        let options: DistilledHeadOptions = config.head.options.read(NAME)?;
        check_dropout(NAME, options.dropout)?;
        let fits = |tap: &Tap| tap.layout == Layout::Tokens && tap.prefix >= TOKENS;
        let (index, tap) = taps.iter().enumerate().rfind(|(_, tap)| fits(tap)).ok_or_else(|| ModelError::Mismatch {
            head: NAME.to_owned(),
            backbone: config.name.clone(),
            what: "expected a tap with tokens [N, L, C] that begin with a class token and a distillation token"
                .to_owned(),
        })?;
        Ok(DistilledHead {
            dropout: DropoutConfig::new(options.dropout).init(),
            linear: transformer_linear([tap.channels, config.num_classes], true, device),
            distilled: transformer_linear([tap.channels, config.num_classes], true, device),
            tap: index,
        })
    }
}

impl HeadFactory<Tensor<2>> for DistilledHeadFactory {
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
