//! AdaGrad.
//!
//! # Source
//! Duchi et al. 2011, <https://jmlr.org/papers/v12/duchi11a.html>.

use burn::optim::AdaGradConfig as BurnConfig;
use serde::{Deserialize, Serialize};

use super::rule::Rule;
use super::settings::{Settings, penalty};
use crate::problems::Problems;

/// Settings of AdaGrad: `{ name = "adagrad", learning_rate = 0.01 }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdaGradConfig {
    /// The base learning rate, which the schedule scales.
    pub learning_rate: f64,
    /// Step `t`, from 0, has the learning rate divided by `1 + t` times this.
    pub learning_rate_decay: f64,
    /// Keeps the division away from zero.
    pub epsilon: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
}

impl Default for AdaGradConfig {
    fn default() -> Self {
        Self { learning_rate: 0.01, learning_rate_decay: 0.0, epsilon: 1e-10, weight_decay: 0.0 }
    }
}

impl Settings for AdaGradConfig {
    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn learning_rate_mut(&mut self) -> &mut f64 {
        &mut self.learning_rate
    }

    fn check(&self, problems: &mut Problems) {
        problems.not_negative("learning_rate_decay", self.learning_rate_decay);
        problems.positive_in_f32("epsilon", self.epsilon);
        problems.not_negative("weight_decay", self.weight_decay);
    }

    fn rule(&self) -> Rule {
        let config = BurnConfig::new()
            .with_lr_decay(self.learning_rate_decay)
            .with_epsilon(self.epsilon as f32)
            .with_weight_decay(penalty(self.weight_decay));
        Rule::new(config.build())
    }

    fn stop_decay(&mut self) {
        self.weight_decay = 0.0;
    }
}
