//! What a person may set about a training run.

use mvl_core::{ModelEmaConfig, Monitor, ParameterGroupsConfig, Precision};
use serde::{Deserialize, Serialize};

use crate::{
    CheckpointConfig, GradientClipConfig, LookAheadConfig, LossScaleConfig, OptimizerConfig, ScheduleConfig,
    SharpnessConfig, SwaConfig,
};

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
    /// Averages the weights at the ends of epochs instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub swa: Option<SwaConfig>,
    /// How gradients are kept small.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient_clip: Option<GradientClipConfig>,
    /// Which parameters are decayed, and how fast those near the picture learn; without, all are alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_groups: Option<ParameterGroupsConfig>,
    /// What does not learn, in all epochs or the first ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<FreezeConfig>,
    /// Slow weights that follow the optimiser's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub look_ahead: Option<LookAheadConfig>,
    /// Takes gradients where the loss is highest near by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sharpness: Option<SharpnessConfig>,
    /// The type of the numbers that flow through the model; weights are kept in `f32`.
    pub precision: Precision,
    /// Layers that work in `f32` whatever the precision, as patterns of paths; normalisations do anyway.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keep_f32: Vec<String>,
    /// The factor on the loss, with `f16`.
    pub loss_scale: LossScaleConfig,
    /// Whether intermediate results are computed again in the backward pass where that is cheap, instead of kept: less memory.
    pub gradient_checkpointing: bool,
    /// Whether two runs must give the same bits; an error on a backend that cannot promise it.
    pub deterministic: bool,
    /// When checkpoints are written, and how many are kept.
    pub checkpoints: CheckpointConfig,
    /// What observers are shown beyond figures.
    pub watch: WatchConfig,
    /// The validation figure by which the best checkpoint is told; the task's own choice when it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitor: Option<Monitor>,
    /// Ends the run when that figure no longer improves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStoppingConfig>,
    /// What to do when an observer fails.
    pub on_observer_error: OnObserverError,
}

/// Parameters that do not learn: `[[train.freeze]]` in a config file.
///
/// Layers that a pattern means as a whole also stop behaving as in training: see [`mvl_core::freeze`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreezeConfig {
    /// Which, as a pattern of paths: `backbone`, `backbone.layer1.*`.
    pub pattern: String,
    /// The first epoch in which they learn, from 0; without, they never do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_epoch: Option<usize>,
}

/// What observers are shown beyond figures; it takes time, so nothing by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WatchConfig {
    /// How many samples of validation, with what was predicted for them.
    pub predicted_samples: usize,
    /// Whether to show how the numbers of each parameter are spread, at the end of each epoch.
    pub histograms: bool,
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
            swa: None,
            gradient_clip: None,
            parameter_groups: None,
            freeze: Vec::new(),
            look_ahead: None,
            sharpness: None,
            precision: Precision::F32,
            keep_f32: Vec::new(),
            loss_scale: LossScaleConfig::default(),
            gradient_checkpointing: false,
            deterministic: false,
            checkpoints: CheckpointConfig::default(),
            watch: WatchConfig::default(),
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
        if self.gradient_accumulation == 0 {
            problems.push("gradient_accumulation: expected at least 1, got 0".to_owned());
        }
        if self.ema.is_some() && self.swa.is_some() {
            problems.push("swa: expected one average of the weights, got ema as well".to_owned());
        }
        if let Some(SwaConfig { start_epoch, .. }) = self.swa.filter(|swa| swa.start_epoch >= self.epochs) {
            let epochs = self.epochs;
            problems.push(format!("swa.start_epoch: expected below the run's {epochs} epochs, got {start_epoch}"));
        }
        let mut part = |name: &str, found: Vec<String>| {
            problems.extend(found.into_iter().map(|problem| format!("{name}.{problem}")));
        };
        part("ema", self.ema.iter().flat_map(ModelEmaConfig::problems).collect());
        part("optimizer", self.optimizer.problems());
        part("schedule", self.schedule.problems(self.epochs));
        part("gradient_clip", self.gradient_clip.iter().flat_map(GradientClipConfig::problems).collect());
        part("parameter_groups", self.parameter_groups.iter().flat_map(ParameterGroupsConfig::problems).collect());
        part("look_ahead", self.look_ahead.iter().flat_map(LookAheadConfig::problems).collect());
        part("sharpness", self.sharpness.iter().flat_map(SharpnessConfig::problems).collect());
        part("loss_scale", self.loss_scale.problems());
        part("checkpoints", self.checkpoints.problems());
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
