//! Adafactor: second moments kept as rows and columns, for large models.
//!
//! # Source
//! Shazeer and Stern 2018, <https://arxiv.org/abs/1804.04235>, with PyTorch's defaults. A step is a share of the weights' size, and
//! the learning rate a bound on that share.

use burn::optim::AdafactorConfig as BurnConfig;
use serde::{Deserialize, Serialize};

use super::rule::Rule;
use super::settings::Settings;
use crate::problems::Problems;

/// Settings of Adafactor: `{ name = "adafactor", learning_rate = 0.01 }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdafactorConfig {
    /// The base learning rate, which the schedule scales.
    pub learning_rate: f64,
    /// Added to squared gradients; PyTorch bounds their mean by its own instead.
    pub epsilon1: f64,
    /// Weights count as if their root mean square were at least this.
    pub epsilon2: f64,
    /// The largest root mean square of a step before it is scaled (PyTorch's `d`).
    pub clip_threshold: f64,
    /// Step `t`, from 1, enters the second moments with a share of `t` to this power; below 0 (PyTorch's `beta2_decay`).
    pub decay_rate: f64,
    /// Whether the learning rate is bounded by `1 / √t`, as in PyTorch.
    pub relative_step: bool,
    /// Whether a step is scaled by the weights' size, as in PyTorch.
    pub scale_parameter: bool,
    /// Share of the weights that a step at learning rate 1 takes off.
    pub weight_decay: f64,
}

impl Default for AdafactorConfig {
    fn default() -> Self {
        Self {
            learning_rate: 0.01,
            epsilon1: 1e-30,
            epsilon2: 1e-3,
            clip_threshold: 1.0,
            decay_rate: -0.8,
            relative_step: true,
            scale_parameter: true,
            weight_decay: 0.0,
        }
    }
}

impl Settings for AdafactorConfig {
    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn learning_rate_mut(&mut self) -> &mut f64 {
        &mut self.learning_rate
    }

    fn check(&self, problems: &mut Problems) {
        problems.positive_in_f32("epsilon1", self.epsilon1);
        problems.positive_in_f32("epsilon2", self.epsilon2);
        problems.positive_in_f32("clip_threshold", self.clip_threshold);
        let falls = self.decay_rate < 0.0 && self.decay_rate.is_finite();
        problems.expect(falls, "decay_rate", "a number below 0", self.decay_rate);
        problems.not_negative("weight_decay", self.weight_decay);
    }

    fn rule(&self) -> Rule {
        let config = BurnConfig::new()
            .with_epsilon_1(self.epsilon1 as f32)
            .with_epsilon_2(self.epsilon2 as f32)
            .with_clip_threshold(self.clip_threshold as f32)
            .with_decay_rate(self.decay_rate)
            .with_relative_step(self.relative_step)
            .with_scale_parameter(self.scale_parameter)
            .with_weight_decay(self.weight_decay as f32);
        Rule::new(config.build())
    }

    fn stop_decay(&mut self) {
        self.weight_decay = 0.0;
    }
}
