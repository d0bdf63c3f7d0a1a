//! Adam with decoupled weight decay.
//!
//! # Source
//! Loshchilov and Hutter 2017, <https://arxiv.org/abs/1711.05101>.

use burn::optim::{AdamW, AdamWConfig as BurnConfig};
use serde::{Deserialize, Serialize};

use super::rule::Rule;
use super::settings::Settings;
use crate::problems::Problems;

/// Settings of AdamW: `{ name = "adamw", learning_rate = 1e-3, weight_decay = 0.05 }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamWConfig {
    /// The base learning rate, which the schedule scales.
    pub learning_rate: f64,
    /// Decay of the first moment, 0 to below 1.
    pub beta1: f64,
    /// Decay of the second moment, 0 to below 1.
    pub beta2: f64,
    /// Keeps the division away from zero.
    pub epsilon: f64,
    /// Share of the weights that a step at learning rate 1 takes off.
    pub weight_decay: f64,
    /// Divides by the largest second moment so far (Reddi et al. 2018, <https://arxiv.org/abs/1904.09237>).
    pub amsgrad: bool,
    /// Decays only weights that the step makes smaller (Chen et al. 2025, <https://arxiv.org/abs/2510.12402>); PyTorch has it not.
    pub cautious: bool,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self {
            learning_rate: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.01,
            amsgrad: false,
            cautious: false,
        }
    }
}

impl Settings for AdamWConfig {
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
        Rule::new(self.build())
    }

    fn stop_decay(&mut self) {
        self.weight_decay = 0.0;
    }
}

impl AdamWConfig {
    pub(super) fn build(&self) -> AdamW {
        BurnConfig::new()
            .with_beta_1(self.beta1 as f32)
            .with_beta_2(self.beta2 as f32)
            .with_epsilon(self.epsilon as f32)
            .with_weight_decay(self.weight_decay as f32)
            .with_amsgrad(self.amsgrad)
            .with_cautious_weight_decay(self.cautious)
            .build()
    }
}
