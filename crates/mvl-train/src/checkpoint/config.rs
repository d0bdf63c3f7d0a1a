//! What a person may set about checkpoints.

use std::time::Duration;

use mvl_core::{Monitor, MonitorMode};
use serde::{Deserialize, Serialize};

/// When checkpoints are written, how many are kept, and where else: `[train.checkpoints]` in a config file.
///
/// There is one at the end of every epoch, when the run is told to stop, and when it ends with an error that leaves its weights whole.
///
/// # Example
/// ```
/// use mvl_train::CheckpointConfig;
/// let config: CheckpointConfig = serde_json::from_str(r#"{"every_minutes": 10, "keep": 3}"#).expect("valid JSON");
/// assert_eq!(config.problems(), [""; 0]);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointConfig {
    /// Updates between checkpoints within an epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every_steps: Option<usize>,
    /// Minutes between checkpoints within an epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every_minutes: Option<f64>,
    /// How many of the latest are kept: a damaged one is then no end of the run.
    pub keep: usize,
    /// How many of the best epochs by the run's monitor are kept.
    pub keep_best: usize,
    /// The best epochs by other figures of validation, kept as well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub best_by: Vec<BestBy>,
    /// Whether they are written while training goes on. It waits only while weights are read from the device.
    pub background: bool,
    /// What to do when one cannot be written, or not be copied to `mirror`.
    pub on_error: OnCheckpointError,
    /// An address in an object store to which each is copied, such as `s3://bucket/runs/first`. A run whose folder holds none is
    /// resumed from there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<String>,
    /// Seconds that a run which was told to stop may wait for its last checkpoint to be written and copied; without, as long as it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_seconds: Option<f64>,
}

/// A figure of validation whose best epochs are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BestBy {
    /// The figure's name among the validation metrics.
    pub metric: String,
    /// Which way is better.
    pub mode: MonitorMode,
    /// How many epochs.
    #[serde(default = "one")]
    pub keep: usize,
}

/// What to do when a checkpoint cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnCheckpointError {
    /// End the run with the error.
    Stop,
    /// Tell, keep those that are there, try again with the next. The run ends with the error only if its last one is not written.
    #[default]
    Warn,
}

impl BestBy {
    /// Figure and direction.
    pub fn monitor(&self) -> Monitor {
        Monitor { metric: self.metric.clone(), mode: self.mode }
    }
}

fn one() -> usize {
    1
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self {
            every_steps: None,
            every_minutes: None,
            keep: 2,
            keep_best: 1,
            best_by: Vec::new(),
            background: true,
            on_error: OnCheckpointError::default(),
            mirror: None,
            stop_seconds: None,
        }
    }
}

impl CheckpointConfig {
    /// Everything that is wrong, each with its field; empty when it can be used.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let counts =
            [("every_steps", self.every_steps), ("keep", Some(self.keep)), ("keep_best", Some(self.keep_best))];
        for (field, value) in counts {
            if value == Some(0) {
                problems.push(format!("{field}: expected at least 1, got 0"));
            }
        }
        for (field, value) in [("every_minutes", self.every_minutes), ("stop_seconds", self.stop_seconds)] {
            if let Some(value) = value.filter(|value| !(*value > 0.0 && value.is_finite())) {
                problems.push(format!("{field}: expected a positive number, got {value}"));
            }
        }
        for (number, best) in self.best_by.iter().enumerate() {
            if best.keep == 0 {
                problems.push(format!("best_by[{number}].keep: expected at least 1, got 0"));
            }
        }
        problems
    }

    /// How long a run that was told to stop waits.
    pub(crate) fn stop_time(&self) -> Option<Duration> {
        self.stop_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_strictly_and_checked() {
        let read = |json: &str| serde_json::from_str::<CheckpointConfig>(json).map_err(|error| error.to_string());
        let config = read(
            r#"{"every_steps": 0, "every_minutes": -1, "keep": 0, "best_by": [{"metric": "loss", "mode": "min", "keep": 0}]}"#,
        );
        assert_eq!(
            config.expect("well formed").problems(),
            [
                "every_steps: expected at least 1, got 0",
                "keep: expected at least 1, got 0",
                "every_minutes: expected a positive number, got -1",
                "best_by[0].keep: expected at least 1, got 0",
            ]
        );
        assert!(read(r#"{"every_step": 3}"#).expect_err("misspelt").contains("unknown field `every_step`"));
        let config = CheckpointConfig {
            best_by: vec![BestBy { metric: "loss".to_owned(), mode: MonitorMode::Min, keep: 2 }],
            ..read("{}").expect("all defaults")
        };
        let json = serde_json::to_string(&config).expect("plain data");
        assert_eq!(read(&json), Ok(config));
    }
}
