//! Adan: Adam with Nesterov's momentum of the gradients' differences.
//!
//! # Source
//! Xie et al. 2022, <https://arxiv.org/abs/2208.06677>, with timm's defaults.

use burn::optim::AdanConfig as BurnConfig;
use serde::{Deserialize, Serialize};

use super::rule::Rule;
use super::settings::Settings;
use crate::problems::Problems;

/// Settings of Adan: `{ name = "adan", learning_rate = 1e-3, weight_decay = 0.02 }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdanConfig {
    /// The base learning rate, which the schedule scales.
    pub learning_rate: f64,
    /// Decay of the first moment, 0 to below 1.
    pub beta1: f64,
    /// Decay of the mean difference of gradients, 0 to below 1.
    pub beta2: f64,
    /// Decay of the second moment, 0 to below 1.
    pub beta3: f64,
    /// Keeps the division away from zero.
    pub epsilon: f64,
    /// Share of the weights that a step at learning rate 1 takes off.
    pub weight_decay: f64,
    /// Takes weight decay off before the step, as AdamW, instead of dividing by it after.
    pub no_prox: bool,
}

impl Default for AdanConfig {
    fn default() -> Self {
        Self {
            learning_rate: 1e-3,
            beta1: 0.98,
            beta2: 0.92,
            beta3: 0.99,
            epsilon: 1e-8,
            weight_decay: 0.0,
            no_prox: false,
        }
    }
}

impl Settings for AdanConfig {
    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn learning_rate_mut(&mut self) -> &mut f64 {
        &mut self.learning_rate
    }

    fn check(&self, problems: &mut Problems) {
        problems.below_one("beta1", self.beta1);
        problems.below_one("beta2", self.beta2);
        problems.below_one("beta3", self.beta3);
        problems.positive_in_f32("epsilon", self.epsilon);
        problems.not_negative("weight_decay", self.weight_decay);
    }

    fn rule(&self) -> Rule {
        let config = BurnConfig::new()
            .with_beta_1(self.beta1 as f32)
            .with_beta_2(self.beta2 as f32)
            .with_beta_3(self.beta3 as f32)
            .with_epsilon(self.epsilon as f32)
            .with_weight_decay(self.weight_decay as f32)
            .with_no_prox(self.no_prox);
        Rule::new(config.build())
    }

    fn stop_decay(&mut self) {
        self.weight_decay = 0.0;
    }
}
