//! Data sets that runs read.

use serde::{Deserialize, Serialize};

use super::Tag;

/// A data set: what it is called, where it came from, and which content it had.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataset {
    /// The name.
    pub name: String,
    /// A short hash of the content, at most 36 characters.
    pub digest: String,
    /// What kind of source, such as `local` or `s3`.
    pub source_type: String,
    /// The source, as JSON or a URI.
    pub source: String,
    /// Columns or shapes, as JSON.
    pub schema: Option<String>,
    /// Counts and statistics, as JSON.
    pub profile: Option<String>,
}

/// A data set that a run read, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetInput {
    /// The data set.
    pub dataset: Dataset,
    /// Notes, such as `mlflow.data.context` = `training`.
    pub tags: Vec<Tag>,
}

/// A data set that some run of an experiment read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetSummary {
    /// The experiment.
    pub experiment_id: String,
    /// The data set's name.
    pub name: String,
    /// Its digest.
    pub digest: String,
    /// What it was read for (`mlflow.data.context`).
    pub context: Option<String>,
}
