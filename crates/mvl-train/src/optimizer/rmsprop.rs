//! RMSprop.
//!
//! # Source
//! Hinton 2012, <https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf>; centred as Graves 2013,
//! <https://arxiv.org/abs/1308.0850>.

use burn::optim::RmsPropConfig as BurnConfig;
use serde::{Deserialize, Serialize};

use super::rule::Rule;
use super::settings::{Settings, penalty};
use crate::problems::Problems;

/// Settings of RMSprop: `{ name = "rmsprop", learning_rate = 0.01, momentum = 0.9 }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RmsPropConfig {
    /// The base learning rate, which the schedule scales.
    pub learning_rate: f64,
    /// Decay of the mean square, 0 to below 1.
    pub alpha: f64,
    /// Share of the velocity that a step keeps, 0 to below 1.
    pub momentum: f64,
    /// Keeps the division away from zero.
    pub epsilon: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// Divides by the deviation of the gradient instead of its root mean square.
    pub centered: bool,
}

impl Default for RmsPropConfig {
    fn default() -> Self {
        Self { learning_rate: 0.01, alpha: 0.99, momentum: 0.0, epsilon: 1e-8, weight_decay: 0.0, centered: false }
    }
}

impl Settings for RmsPropConfig {
    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn learning_rate_mut(&mut self) -> &mut f64 {
        &mut self.learning_rate
    }

    fn check(&self, problems: &mut Problems) {
        problems.below_one("alpha", self.alpha);
        problems.below_one("momentum", self.momentum);
        problems.positive_in_f32("epsilon", self.epsilon);
        problems.not_negative("weight_decay", self.weight_decay);
    }

    fn rule(&self) -> Rule {
        let config = BurnConfig::new()
            .with_alpha(self.alpha as f32)
            .with_momentum(self.momentum as f32)
            .with_epsilon(self.epsilon as f32)
            .with_weight_decay(penalty(self.weight_decay))
            .with_centered(self.centered);
        Rule::new(config.build())
    }

    fn stop_decay(&mut self) {
        self.weight_decay = 0.0;
    }
}
