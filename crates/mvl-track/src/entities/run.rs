//! One execution of a training or an evaluation.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{DatasetInput, LifecycleStage, Metric, ModelInput, ModelOutput};
use crate::TrackError;

/// A note on an experiment, a run, an input, a model or a version. It may be overwritten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// The name.
    pub key: String,
    /// The text.
    pub value: String,
}

impl Tag {
    /// A tag.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// A setting of a run. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Param {
    /// The name.
    pub key: String,
    /// The value, as text.
    pub value: String,
}

impl Param {
    /// A parameter.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// One execution, with all that was logged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// What it is called and how it went.
    pub info: RunInfo,
    /// Parameters, tags, and the latest value of every metric.
    pub data: RunData,
    /// What it read.
    pub inputs: RunInputs,
    /// What it made.
    pub outputs: RunOutputs,
}

/// What a run is called and how it went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// 32 hexadecimal digits.
    pub run_id: String,
    /// The experiment that it belongs to.
    pub experiment_id: String,
    /// A name for people; not unique.
    pub run_name: String,
    /// Who started it.
    pub user_id: String,
    /// How it goes.
    pub status: RunStatus,
    /// When it began.
    pub start_time: Option<i64>,
    /// When it ended.
    pub end_time: Option<i64>,
    /// Where its artifacts lie.
    pub artifact_uri: String,
    /// Whether it was deleted.
    pub lifecycle_stage: LifecycleStage,
}

/// Parameters, tags, and the latest value of every metric, each sorted by key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunData {
    /// The latest value of each metric.
    pub metrics: Vec<Metric>,
    /// Settings.
    pub params: Vec<Param>,
    /// Notes.
    pub tags: Vec<Tag>,
}

/// What a run read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunInputs {
    /// Data sets.
    pub datasets: Vec<DatasetInput>,
    /// Models.
    pub models: Vec<ModelInput>,
}

/// What a run made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunOutputs {
    /// Models.
    pub models: Vec<ModelOutput>,
}

/// How a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RunStatus {
    /// It is going on.
    Running,
    /// It will start.
    Scheduled,
    /// It came to its end.
    Finished,
    /// It broke.
    Failed,
    /// Somebody ended it.
    Killed,
}

impl RunStatus {
    const ALL: [Self; 5] = [Self::Running, Self::Scheduled, Self::Finished, Self::Failed, Self::Killed];

    /// As MLflow writes it: `RUNNING`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Scheduled => "SCHEDULED",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
        }
    }
}

impl FromStr for RunStatus {
    type Err = TrackError;

    fn from_str(text: &str) -> Result<Self, TrackError> {
        let known = Self::ALL.into_iter().find(|status| status.as_str() == text);
        known.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.into_iter().map(Self::as_str).collect();
            TrackError::invalid(format!("expected a status of {}, got {text:?}", names.join(", ")))
        })
    }
}
