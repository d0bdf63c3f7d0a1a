//! One measured number.

use serde::{Deserialize, Serialize};

/// One measured number of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// The name.
    pub key: String,
    /// The number; NaN and the infinities are kept.
    pub value: f64,
    /// When it was measured.
    pub timestamp: i64,
    /// After how many steps.
    pub step: i64,
    /// The logged model that it tells about.
    pub model_id: Option<String>,
    /// The data set that it was measured on.
    pub dataset_name: Option<String>,
    /// That data set's digest.
    pub dataset_digest: Option<String>,
    /// The run that it belongs to, in answers.
    pub run_id: Option<String>,
}

impl Metric {
    /// A metric of a run.
    pub fn new(key: impl Into<String>, value: f64, timestamp: i64, step: i64) -> Self {
        Self { key: key.into(), value, timestamp, step, ..Self::default() }
    }

    /// The same metric, told about a logged model.
    pub fn of_model(mut self, model_id: impl Into<String>) -> Self {
        self.model_id = Some(model_id.into());
        self
    }

    /// The same metric, measured on a data set.
    pub fn on_dataset(mut self, name: impl Into<String>, digest: impl Into<String>) -> Self {
        self.dataset_name = Some(name.into());
        self.dataset_digest = Some(digest.into());
        self
    }
}
