//! Lion: the sign of a momentum.
//!
//! # Source
//! Chen et al. 2023, <https://arxiv.org/abs/2302.06675>, with timm's defaults. It wants a learning rate three to ten times smaller than
//! AdamW's, and a weight decay as much larger.

use burn::optim::LionConfig as BurnConfig;
use serde::{Deserialize, Serialize};

use super::rule::Rule;
use super::settings::Settings;
use crate::problems::Problems;

/// Settings of Lion: `{ name = "lion", learning_rate = 1e-4, weight_decay = 0.1 }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LionConfig {
    /// The base learning rate, which the schedule scales.
    pub learning_rate: f64,
    /// Share of the momentum in a step's direction, 0 to below 1.
    pub beta1: f64,
    /// Decay of the momentum, 0 to below 1.
    pub beta2: f64,
    /// Share of the weights that a step at learning rate 1 takes off.
    pub weight_decay: f64,
}

impl Default for LionConfig {
    fn default() -> Self {
        Self { learning_rate: 1e-4, beta1: 0.9, beta2: 0.99, weight_decay: 0.0 }
    }
}

impl Settings for LionConfig {
    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn learning_rate_mut(&mut self) -> &mut f64 {
        &mut self.learning_rate
    }

    fn check(&self, problems: &mut Problems) {
        problems.below_one("beta1", self.beta1);
        problems.below_one("beta2", self.beta2);
        problems.not_negative("weight_decay", self.weight_decay);
    }

    fn rule(&self) -> Rule {
        let config = BurnConfig::new()
            .with_beta_1(self.beta1 as f32)
            .with_beta_2(self.beta2 as f32)
            .with_weight_decay(self.weight_decay as f32);
        Rule::new(config.build())
    }

    fn stop_decay(&mut self) {
        self.weight_decay = 0.0;
    }
}
