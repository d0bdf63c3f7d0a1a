//! Stochastic gradient descent with momentum.
//!
//! # Source
//! Sutskever et al. 2013 in PyTorch's form: velocity = momentum · velocity + (1 − dampening) · gradient, of which the first is
//! the gradient itself; weight decay is added to the gradient.

use burn::optim::SgdConfig as BurnConfig;
use burn::optim::momentum::MomentumConfig;
use serde::{Deserialize, Serialize};

use super::rule::Rule;
use super::settings::{Settings, penalty};
use crate::problems::Problems;

/// Settings of SGD: `{ name = "sgd", learning_rate = 0.1, momentum = 0.9 }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SgdConfig {
    /// The base learning rate, which the schedule scales.
    pub learning_rate: f64,
    /// Share of the velocity that a step keeps, 0 to below 1.
    pub momentum: f64,
    /// Share of the gradient that does not enter the velocity, 0 to 1.
    pub dampening: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// Nesterov's momentum.
    pub nesterov: bool,
}

impl Default for SgdConfig {
    fn default() -> Self {
        Self { learning_rate: 0.05, momentum: 0.9, dampening: 0.0, weight_decay: 0.0, nesterov: false }
    }
}

impl Settings for SgdConfig {
    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn learning_rate_mut(&mut self) -> &mut f64 {
        &mut self.learning_rate
    }

    fn check(&self, problems: &mut Problems) {
        problems.below_one("momentum", self.momentum);
        problems.share("dampening", self.dampening);
        problems.not_negative("weight_decay", self.weight_decay);
        let usable = !self.nesterov || self.momentum != 0.0;
        problems.expect(usable, "nesterov", "a momentum above 0 beside it", self.momentum);
        let usable = !self.nesterov || self.dampening == 0.0;
        problems.expect(usable, "nesterov", "a dampening of 0 beside it", self.dampening);
    }

    fn rule(&self) -> Rule {
        let mut config = BurnConfig::new().with_weight_decay(penalty(self.weight_decay));
        if self.momentum > 0.0 {
            let momentum = MomentumConfig::new().with_momentum(self.momentum).with_nesterov(self.nesterov);
            config = config.with_momentum(Some(momentum.with_dampening(self.dampening)));
        }
        Rule::new(config.build())
    }

    fn stop_decay(&mut self) {
        self.weight_decay = 0.0;
    }
}
