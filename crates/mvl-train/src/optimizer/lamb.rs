//! LAMB: Adam whose step has a length in proportion to the weights', for large batches.
//!
//! # Source
//! You et al. 2019, <https://arxiv.org/abs/1904.00962>, with timm's defaults. Unlike timm's it clips no gradients by itself, and
//! adapts without weight decay too (`max_grad_norm=None, always_adapt=True`).

use burn::optim::LambConfig as BurnConfig;
use serde::{Deserialize, Serialize};

use super::rule::Rule;
use super::settings::Settings;
use crate::problems::Problems;

/// Settings of LAMB: `{ name = "lamb", learning_rate = 5e-3, weight_decay = 0.02 }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LambConfig {
    /// The base learning rate, which the schedule scales.
    pub learning_rate: f64,
    /// Decay of the first moment, 0 to below 1.
    pub beta1: f64,
    /// Decay of the second moment, 0 to below 1.
    pub beta2: f64,
    /// Keeps the division away from zero.
    pub epsilon: f64,
    /// Share of the weights that is added to the step before its length is set.
    pub weight_decay: f64,
    /// Whether the step's length follows the weights'.
    pub trust_ratio: bool,
}

impl Default for LambConfig {
    fn default() -> Self {
        Self { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weight_decay: 0.01, trust_ratio: true }
    }
}

impl Settings for LambConfig {
    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn learning_rate_mut(&mut self) -> &mut f64 {
        &mut self.learning_rate
    }

    fn check(&self, problems: &mut Problems) {
        problems.below_one("beta1", self.beta1);
        problems.below_one("beta2", self.beta2);
        problems.positive_in_f32("epsilon", self.epsilon);
        problems.not_negative("weight_decay", self.weight_decay);
    }

    fn rule(&self) -> Rule {
        let config = BurnConfig::new()
            .with_beta_1(self.beta1 as f32)
            .with_beta_2(self.beta2 as f32)
            .with_epsilon(self.epsilon as f32)
            .with_weight_decay(self.weight_decay as f32)
            .with_use_trust_ratio(self.trust_ratio);
        Rule::new(config.build())
    }

    fn stop_decay(&mut self) {
        self.weight_decay = 0.0;
    }
}
