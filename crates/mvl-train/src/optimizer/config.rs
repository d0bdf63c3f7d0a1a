//! Which optimiser.

use burn::module::ParamGroup;
use burn::optim::ModuleOptimizer;
use mvl_core::ParameterGroups;
use serde::{Deserialize, Serialize};

use super::settings::Settings;
use super::{
    AdaGradConfig, AdafactorConfig, AdamConfig, AdamWConfig, AdanConfig, LambConfig, LionConfig, MuonConfig,
    RmsPropConfig, SgdConfig,
};
use crate::problems::Problems;

/// Which optimiser, as a person writes it: `{ name = "sgd", learning_rate = 0.1 }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
#[non_exhaustive]
pub enum OptimizerConfig {
    /// Stochastic gradient descent with momentum.
    Sgd(SgdConfig),
    /// Adam.
    Adam(AdamConfig),
    /// Adam with decoupled weight decay.
    AdamW(AdamWConfig),
    /// AdaGrad.
    AdaGrad(AdaGradConfig),
    /// RMSprop.
    RmsProp(RmsPropConfig),
    /// Adan.
    Adan(AdanConfig),
    /// LAMB.
    Lamb(LambConfig),
    /// Lion.
    Lion(LionConfig),
    /// Adafactor.
    Adafactor(AdafactorConfig),
    /// Muon for matrices, AdamW for the rest.
    Muon(MuonConfig),
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
        self.settings().learning_rate()
    }

    /// Sets the base learning rate.
    pub fn with_learning_rate(mut self, learning_rate: f64) -> Self {
        *self.settings_mut().learning_rate_mut() = learning_rate;
        self
    }

    /// What is wrong with it, each with its field; empty when it can be used.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Problems::default();
        problems.positive("learning_rate", self.learning_rate());
        self.settings().check(&mut problems);
        problems.list()
    }

    /// The optimiser, without state yet.
    ///
    /// # Panics
    /// May panic when there are [`problems`](Self::problems).
    pub fn init(&self) -> ModuleOptimizer {
        self.settings().rule().for_all()
    }

    /// The optimiser, without state yet, for parameters in groups: each at its share of the learning rate, and decayed or not. What is in no
    /// group is updated as without groups.
    ///
    /// # Panics
    /// May panic when there are [`problems`](Self::problems).
    pub fn init_groups(&self, groups: &ParameterGroups) -> ModuleOptimizer {
        let mut undecayed = self.clone();
        undecayed.settings_mut().stop_decay();
        groups.0.iter().fold(self.init(), |optimizer, group| {
            let settings = if group.weight_decay { self } else { &undecayed };
            let rule = settings.settings().rule().with_share(group.learning_rate_scale);
            optimizer.with_group(ParamGroup::from_paths(group.paths.clone()), rule, None)
        })
    }

    fn settings(&self) -> &dyn Settings {
        match self {
            Self::Sgd(config) => config,
            Self::Adam(config) => config,
            Self::AdamW(config) => config,
            Self::AdaGrad(config) => config,
            Self::RmsProp(config) => config,
            Self::Adan(config) => config,
            Self::Lamb(config) => config,
            Self::Lion(config) => config,
            Self::Adafactor(config) => config,
            Self::Muon(config) => config,
        }
    }

    fn settings_mut(&mut self) -> &mut dyn Settings {
        match self {
            Self::Sgd(config) => config,
            Self::Adam(config) => config,
            Self::AdamW(config) => config,
            Self::AdaGrad(config) => config,
            Self::RmsProp(config) => config,
            Self::Adan(config) => config,
            Self::Lamb(config) => config,
            Self::Lion(config) => config,
            Self::Adafactor(config) => config,
            Self::Muon(config) => config,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 10] =
        ["sgd", "adam", "adamw", "adagrad", "rmsprop", "adan", "lamb", "lion", "adafactor", "muon"];

    fn read(json: &str) -> Result<OptimizerConfig, String> {
        serde_json::from_str::<OptimizerConfig>(json).map_err(|error| error.to_string())
    }

    #[test]
    fn files_are_read_strictly_and_filled_with_defaults() {
        let expected = SgdConfig { learning_rate: 0.2, ..SgdConfig::default() };
        assert_eq!(read(r#"{"name": "sgd", "learning_rate": 0.2}"#), Ok(OptimizerConfig::Sgd(expected)));
        assert_eq!(read(r#"{"name": "adamw"}"#), Ok(OptimizerConfig::adamw(1e-3)));
        for name in NAMES {
            let config = read(&format!(r#"{{"name": "{name}"}}"#)).expect(name);
            assert_eq!(config.problems(), [""; 0], "{name}");
            let json = serde_json::to_string(&config).expect("plain data");
            let exact = name != "adafactor"; // serde_json reads 1e-30 with another last digit
            assert!(!exact || read(&json) == Ok(config.clone()), "{json}");
            assert_eq!(config.with_learning_rate(0.5).learning_rate(), 0.5, "{name}");
            let error = read(&format!(r#"{{"name": "{name}", "learning_rte": 0.2}}"#)).expect_err("misspelt");
            assert!(error.contains("unknown field `learning_rte`"), "{error}");
        }
        let error = read(r#"{"name": "muon", "rest": {"lr": 1}}"#).expect_err("misspelt");
        assert!(error.contains("unknown field `lr`"), "{error}");
        let error = read(r#"{"name": "lbfgs"}"#).expect_err("unknown");
        assert!(error.contains("unknown variant `lbfgs`"), "{error}");
    }

    #[test]
    fn problems_name_field_and_value() {
        let problems = |json: &str| read(json).expect("well formed").problems();
        assert_eq!(
            problems(
                r#"{"name": "sgd", "learning_rate": -1, "momentum": 0, "dampening": 2, "weight_decay": -1, "nesterov": true}"#
            ),
            [
                "learning_rate: expected a positive number, got -1",
                "dampening: expected 0 to 1, got 2",
                "weight_decay: expected 0 or more, got -1",
                "nesterov: expected a momentum above 0 beside it, got 0",
                "nesterov: expected a dampening of 0 beside it, got 2",
            ]
        );
        for name in ["adam", "adamw", "adan", "lamb"] {
            assert_eq!(
                problems(&format!(
                    r#"{{"name": "{name}", "beta1": 1, "beta2": -1, "epsilon": 0, "weight_decay": -0.5}}"#
                )),
                [
                    "beta1: expected 0 to below 1, got 1",
                    "beta2: expected 0 to below 1, got -1",
                    "epsilon: expected a positive number, 1e-45 at least, got 0",
                    "weight_decay: expected 0 or more, got -0.5",
                ],
                "{name}"
            );
        }
        assert_eq!(
            problems(r#"{"name": "adafactor", "epsilon1": 0, "clip_threshold": 0, "decay_rate": 0.8}"#),
            [
                "epsilon1: expected a positive number, 1e-45 at least, got 0",
                "clip_threshold: expected a positive number, 1e-45 at least, got 0",
                "decay_rate: expected a number below 0, got 0.8",
            ]
        );
        assert_eq!(
            problems(r#"{"name": "muon", "ns_steps": 0, "rest": {"learning_rate": 0, "beta1": 2}}"#),
            [
                "ns_steps: expected 1 to 99, got 0",
                "rest.learning_rate: expected a positive number, got 0",
                "rest.beta1: expected 0 to below 1, got 2",
            ]
        );
        assert_eq!(problems(r#"{"name": "rmsprop", "alpha": 1}"#), ["alpha: expected 0 to below 1, got 1"]);
        assert_eq!(problems(r#"{"name": "lion", "beta2": 1}"#), ["beta2: expected 0 to below 1, got 1"]);
        assert_eq!(
            problems(r#"{"name": "adagrad", "learning_rate_decay": -1}"#),
            ["learning_rate_decay: expected 0 or more, got -1"]
        );
    }
}
