//! SGD with momentum and AdamW, with PyTorch's meaning of every setting.
//!
//! # Source
//! SGD as in Sutskever et al. 2013 in PyTorch's form (velocity = momentum · velocity + gradient, no dampening; weight decay
//! is added to the gradient). AdamW: Loshchilov and Hutter 2017, <https://arxiv.org/abs/1711.05101>. Both are burn's, with
//! its defaults replaced where they differ (dampening 0.1, epsilon 1e-5), and agree with PyTorch within 1e-5.

use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamWConfig as BurnAdamWConfig, ModuleOptimizer, SgdConfig as BurnSgdConfig};
use serde::{Deserialize, Serialize};

use crate::resumable_optimizer::Resumable;

/// Which optimiser, as a person writes it: `{ name = "sgd", learning_rate = 0.1 }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
#[non_exhaustive]
pub enum OptimizerConfig {
    /// Stochastic gradient descent with momentum.
    Sgd(SgdConfig),
    /// Adam with decoupled weight decay.
    AdamW(AdamWConfig),
}

/// Settings of SGD.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SgdConfig {
    /// The base learning rate, which the schedule scales.
    pub learning_rate: f64,
    /// Share of the velocity that a step keeps, 0 to below 1.
    pub momentum: f64,
    /// L2 penalty, added to the gradient.
    pub weight_decay: f64,
    /// Nesterov's momentum.
    pub nesterov: bool,
}

/// Settings of AdamW.
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
}

impl Default for SgdConfig {
    fn default() -> Self {
        Self { learning_rate: 0.05, momentum: 0.9, weight_decay: 0.0, nesterov: false }
    }
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01 }
    }
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self::Sgd(SgdConfig::default())
    }
}

impl OptimizerConfig {
    /// SGD with momentum 0.9 and this base learning rate.
    pub fn sgd(learning_rate: f64) -> Self {
        Self::Sgd(SgdConfig { learning_rate, ..SgdConfig::default() })
    }

    /// AdamW with PyTorch's defaults and this base learning rate.
    pub fn adamw(learning_rate: f64) -> Self {
        Self::AdamW(AdamWConfig { learning_rate, ..AdamWConfig::default() })
    }

    /// The base learning rate.
    pub fn learning_rate(&self) -> f64 {
        match self {
            Self::Sgd(config) => config.learning_rate,
            Self::AdamW(config) => config.learning_rate,
        }
    }

    /// Sets the base learning rate.
    pub fn with_learning_rate(mut self, learning_rate: f64) -> Self {
        match &mut self {
            Self::Sgd(config) => config.learning_rate = learning_rate,
            Self::AdamW(config) => config.learning_rate = learning_rate,
        }
        self
    }

    /// What is wrong with it, each with its field; empty when it can be used.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut check = |right: bool, field: &str, expected: &str, got: f64| {
            if !right {
                problems.push(format!("{field}: expected {expected}, got {got}"));
            }
        };
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let not_negative = |value: f64| value >= 0.0 && value.is_finite();
        let share = |value: f64| (0.0..1.0).contains(&value);
        check(positive(self.learning_rate()), "learning_rate", "a positive number", self.learning_rate());
        match self {
            Self::Sgd(SgdConfig { momentum, weight_decay, nesterov, .. }) => {
                check(share(*momentum), "momentum", "0 to below 1", *momentum);
                check(not_negative(*weight_decay), "weight_decay", "0 or more", *weight_decay);
                if *nesterov && *momentum == 0.0 {
                    problems.push("nesterov: expected a momentum above 0 beside it, got 0".to_owned());
                }
            }
            Self::AdamW(AdamWConfig { beta1, beta2, epsilon, weight_decay, .. }) => {
                check(share(*beta1), "beta1", "0 to below 1", *beta1);
                check(share(*beta2), "beta2", "0 to below 1", *beta2);
                check(positive(*epsilon), "epsilon", "a positive number", *epsilon);
                check(not_negative(*weight_decay), "weight_decay", "0 or more", *weight_decay);
            }
        }
        problems
    }

    /// The optimiser, without state yet.
    pub fn init(&self) -> ModuleOptimizer {
        match self {
            Self::Sgd(config) => Resumable(config.burn().build()).into(),
            Self::AdamW(config) => Resumable(config.burn().build()).into(),
        }
    }
}

impl SgdConfig {
    fn burn(&self) -> BurnSgdConfig {
        let mut config = BurnSgdConfig::new();
        if self.momentum > 0.0 {
            let momentum = MomentumConfig::new().with_momentum(self.momentum).with_nesterov(self.nesterov);
            config = config.with_momentum(Some(momentum.with_dampening(0.0)));
        }
        if self.weight_decay > 0.0 {
            config = config.with_weight_decay(Some(WeightDecayConfig::new(self.weight_decay as f32)));
        }
        config
    }
}

impl AdamWConfig {
    fn burn(&self) -> BurnAdamWConfig {
        BurnAdamWConfig::new()
            .with_beta_1(self.beta1 as f32)
            .with_beta_2(self.beta2 as f32)
            .with_epsilon(self.epsilon as f32)
            .with_weight_decay(self.weight_decay as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_strictly_and_filled_with_defaults() {
        let read = |json: &str| serde_json::from_str::<OptimizerConfig>(json).map_err(|error| error.to_string());
        let expected = SgdConfig { learning_rate: 0.2, ..SgdConfig::default() };
        assert_eq!(read(r#"{"name": "sgd", "learning_rate": 0.2}"#), Ok(OptimizerConfig::Sgd(expected)));
        assert_eq!(read(r#"{"name": "adamw"}"#), Ok(OptimizerConfig::adamw(1e-3)));
        let error = read(r#"{"name": "sgd", "learning_rte": 0.2}"#).expect_err("misspelt");
        assert!(error.contains("unknown field `learning_rte`"), "{error}");
        let error = read(r#"{"name": "adam"}"#).expect_err("unknown");
        assert!(error.contains("unknown variant `adam`"), "{error}");
    }

    #[test]
    fn problems_name_field_and_value() {
        let config = SgdConfig { learning_rate: -1.0, momentum: 0.0, weight_decay: f64::NAN, nesterov: true };
        assert_eq!(
            OptimizerConfig::Sgd(config).problems(),
            [
                "learning_rate: expected a positive number, got -1",
                "weight_decay: expected 0 or more, got NaN",
                "nesterov: expected a momentum above 0 beside it, got 0",
            ]
        );
        assert_eq!(OptimizerConfig::default().problems(), [""; 0]);
    }
}
