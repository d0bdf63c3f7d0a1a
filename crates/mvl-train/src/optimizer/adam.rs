//! Adam.
//!
//! # Source
//! Kingma and Ba 2014, <https://arxiv.org/abs/1412.6980>.

use burn::optim::AdamConfig as BurnConfig;
use serde::{Deserialize, Serialize};

use super::rule::Rule;
use super::settings::{Settings, penalty};
use crate::problems::Problems;

/// Settings of Adam: `{ name = "adam", learning_rate = 1e-3 }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamConfig {
    /// The base learning rate, which the schedule scales.
    pub learning_rate: f64,
    /// Decay of the first moment, 0 to below 1.
    pub beta1: f64,
    /// Decay of the second moment, 0 to below 1.
    pub beta2: f64,
    /// Keeps the division away from zero.
    pub epsilon: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// Divides by the largest second moment so far (Reddi et al. 2018, <https://arxiv.org/abs/1904.09237>).
    pub amsgrad: bool,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, amsgrad: false }
    }
}

impl Settings for AdamConfig {
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
            .with_weight_decay(penalty(self.weight_decay))
            .with_amsgrad(self.amsgrad);
        Rule::new(config.build())
    }

    fn stop_decay(&mut self) {
        self.weight_decay = 0.0;
    }
}
