//! Models that runs made, before and beside the registry (MLflow 3's `LoggedModel`).

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Metric, Param, Tag};
use crate::TrackError;

/// A model that a run made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoggedModel {
    /// `m-` and 32 hexadecimal digits.
    pub model_id: String,
    /// The experiment that it belongs to.
    pub experiment_id: String,
    /// A name for people; not unique.
    pub name: String,
    /// Where its files lie.
    pub artifact_location: String,
    /// When it was made.
    pub creation_timestamp: i64,
    /// When it last changed.
    pub last_updated_timestamp: i64,
    /// Whether its files are there.
    pub status: LoggedModelStatus,
    /// Why it is in that state.
    pub status_message: Option<String>,
    /// What kind of model.
    pub model_type: Option<String>,
    /// The run that made it.
    pub source_run_id: Option<String>,
    /// Notes.
    pub tags: Vec<Tag>,
    /// Settings.
    pub params: Vec<Param>,
    /// All that was measured about it.
    pub metrics: Vec<Metric>,
}

/// A model that a run read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInput {
    /// The logged model.
    pub model_id: String,
}

/// A model that a run made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelOutput {
    /// The logged model.
    pub model_id: String,
    /// After how many steps.
    pub step: i64,
}

/// Whether a logged model's files are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LoggedModelStatus {
    /// Not told.
    Unspecified,
    /// Files are being written.
    Pending,
    /// It can be used.
    Ready,
    /// Writing its files failed.
    Failed,
}

impl LoggedModelStatus {
    const ALL: [Self; 4] = [Self::Unspecified, Self::Pending, Self::Ready, Self::Failed];

    /// As MLflow's Python shows it and filters take it: `READY`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "UNSPECIFIED",
            Self::Pending => "PENDING",
            Self::Ready => "READY",
            Self::Failed => "FAILED",
        }
    }

    /// As MLflow's REST API writes it: `LOGGED_MODEL_READY`.
    pub fn wire_name(self) -> &'static str {
        match self {
            Self::Unspecified => "LOGGED_MODEL_STATUS_UNSPECIFIED",
            Self::Pending => "LOGGED_MODEL_PENDING",
            Self::Ready => "LOGGED_MODEL_READY",
            Self::Failed => "LOGGED_MODEL_UPLOAD_FAILED",
        }
    }
}

impl FromStr for LoggedModelStatus {
    type Err = TrackError;

    /// Reads both [`as_str`](Self::as_str) and [`wire_name`](Self::wire_name).
    fn from_str(text: &str) -> Result<Self, TrackError> {
        let known = Self::ALL.into_iter().find(|status| [status.as_str(), status.wire_name()].contains(&text));
        known.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.into_iter().map(Self::as_str).collect();
            TrackError::invalid(format!("Unknown model status: {text:?}. Expected one of {}", names.join(", ")))
        })
    }
}
