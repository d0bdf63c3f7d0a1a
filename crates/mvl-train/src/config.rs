//! What a person may set about a training run.

use mvl_core::{ModelEmaConfig, Monitor};
use serde::{Deserialize, Serialize};

use crate::{GradientClipConfig, OptimizerConfig, ScheduleConfig};

/// Settings of a run, as written under `[train]` in a config file: unknown keys are errors, missing ones have defaults.
///
/// # Example
/// ```
/// use mvl_train::TrainConfig;
/// let config: TrainConfig = serde_json::from_str(r#"{"epochs": 3, "optimizer": {"name": "sgd", "learning_rate": -1}}"#).expect("valid JSON");
/// assert_eq!(config.problems(), ["optimizer.learning_rate: expected a positive number, got -1"]);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Passes over the training data.
    pub epochs: usize,
    /// Decides weights, order of the data and everything else that is random.
    pub seed: u64,
    /// How weights are updated.
    pub optimizer: OptimizerConfig,
    /// How the learning rate changes.
    pub schedule: ScheduleConfig,
    /// Batches whose gradients are averaged into one update, as if they were one large batch; normalisation still sees each alone.
    pub gradient_accumulation: usize,
    /// Averages the weights of the updates; the average is what is validated, saved to predict with, and answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ema: Option<ModelEmaConfig>,
    /// Updates between checkpoints within an epoch; without, there is one at the end of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_every_steps: Option<usize>,
    /// How gradients are kept small.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient_clip: Option<GradientClipConfig>,
    /// The validation figure by which the best checkpoint is told; the task's own choice when it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitor: Option<Monitor>,
    /// Ends the run when that figure no longer improves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStoppingConfig>,
    /// What to do when an observer fails.
    pub on_observer_error: OnObserverError,
}

/// When to give up hope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyStoppingConfig {
    /// Epochs without improvement before the run ends.
    pub patience: usize,
    /// What counts as an improvement must exceed this.
    pub min_delta: f64,
}

/// What to do when an observer fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnObserverError {
    /// End the run with the observer's error.
    Stop,
    /// Warn on standard error and go on: a plot that cannot be drawn is no reason to lose a run.
    #[default]
    Warn,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: 10,
            seed: 0,
            optimizer: OptimizerConfig::default(),
            schedule: ScheduleConfig::default(),
            gradient_accumulation: 1,
            ema: None,
            checkpoint_every_steps: None,
            gradient_clip: None,
            monitor: None,
            early_stopping: None,
            on_observer_error: OnObserverError::default(),
        }
    }
}

impl Default for EarlyStoppingConfig {
    fn default() -> Self {
        Self { patience: 5, min_delta: 0.0 }
    }
}

impl TrainConfig {
    /// Everything that is wrong, each with the path of its field; empty when a run can start.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.epochs == 0 {
            problems.push("epochs: expected at least 1, got 0".to_owned());
        }
        for (field, value) in [
            ("gradient_accumulation", Some(self.gradient_accumulation)),
            ("checkpoint_every_steps", self.checkpoint_every_steps),
        ] {
            if value == Some(0) {
                problems.push(format!("{field}: expected at least 1, got 0"));
            }
        }
        if let Some(ema) = &self.ema {
            problems.extend(ema.problems().into_iter().map(|problem| format!("ema.{problem}")));
        }
        problems.extend(self.optimizer.problems().into_iter().map(|problem| format!("optimizer.{problem}")));
        problems.extend(self.schedule.problems(self.epochs).into_iter().map(|problem| format!("schedule.{problem}")));
        let clip = self.gradient_clip.iter().flat_map(GradientClipConfig::problems);
        problems.extend(clip.map(|problem| format!("gradient_clip.{problem}")));
        if let Some(EarlyStoppingConfig { patience, min_delta }) = self.early_stopping {
            if patience == 0 {
                problems.push("early_stopping.patience: expected at least 1, got 0".to_owned());
            }
            if !(min_delta >= 0.0 && min_delta.is_finite()) {
                problems.push(format!("early_stopping.min_delta: expected 0 or more, got {min_delta}"));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_listed_at_once() {
        let config = TrainConfig {
            epochs: 0,
            gradient_accumulation: 0,
            ema: Some(ModelEmaConfig { decay: 1.5, ..ModelEmaConfig::default() }),
            optimizer: OptimizerConfig::sgd(f64::INFINITY),
            schedule: ScheduleConfig::cosine().with_warmup_epochs(-1.0),
            gradient_clip: Some(GradientClipConfig::Norm(0.0)),
            early_stopping: Some(EarlyStoppingConfig { patience: 0, min_delta: -0.5 }),
            ..TrainConfig::default()
        };
        assert_eq!(
            config.problems(),
            [
                "epochs: expected at least 1, got 0",
                "gradient_accumulation: expected at least 1, got 0",
                "ema.decay: expected 0 to 1, got 1.5",
                "optimizer.learning_rate: expected a positive number, got inf",
                "schedule.warmup_epochs: expected 0 to the run's 0 epochs, got -1",
                "gradient_clip.norm: expected a positive number, got 0",
                "early_stopping.patience: expected at least 1, got 0",
                "early_stopping.min_delta: expected 0 or more, got -0.5",
            ]
        );
        assert_eq!(TrainConfig::default().problems(), [""; 0]);
    }

    #[test]
    fn files_are_strict_and_come_back_as_written() {
        let config = TrainConfig {
            gradient_clip: Some(GradientClipConfig::Norm(1.0)),
            monitor: Some(Monitor::max("accuracy")),
            early_stopping: Some(EarlyStoppingConfig::default()),
            on_observer_error: OnObserverError::Stop,
            ..TrainConfig::default()
        };
        let json = serde_json::to_string(&config).expect("plain data");
        assert_eq!(serde_json::from_str::<TrainConfig>(&json).expect("what was written"), config);
        assert_eq!(serde_json::from_str::<TrainConfig>("{}").expect("all defaults"), TrainConfig::default());
        for misspelt in [r#"{"epoch": 3}"#, r#"{"schedule": {"warmup": 1}}"#, r#"{"early_stopping": {"patiense": 1}}"#]
        {
            let error = serde_json::from_str::<TrainConfig>(misspelt).expect_err(misspelt).to_string();
            assert!(error.contains("unknown field"), "{error}");
        }
    }
}
