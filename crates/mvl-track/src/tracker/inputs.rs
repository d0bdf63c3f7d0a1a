//! What runs read and made: data sets and models.

use super::Tracker;
use crate::{DatasetInput, DatasetSummary, ModelInput, ModelOutput, Result, TrackError};

impl Tracker {
    /// Notes what an active run read. The same data set twice is one input.
    ///
    /// # Errors
    /// When the run is missing or deleted, or a data set lacks a field.
    pub async fn log_inputs(&self, run_id: &str, datasets: &[DatasetInput], models: &[ModelInput]) -> Result<()> {
        Err(TrackError::internal(format!("not yet: {run_id} {datasets:?} {models:?}")))
    }

    /// Notes which models an active run made.
    ///
    /// # Errors
    /// When the run is missing or deleted.
    pub async fn log_outputs(&self, run_id: &str, models: &[ModelOutput]) -> Result<()> {
        Err(TrackError::internal(format!("not yet: {run_id} {models:?}")))
    }

    /// The data sets that runs of some experiments read, at most 1,000.
    ///
    /// # Errors
    /// When an id is no number.
    pub async fn search_datasets(&self, experiment_ids: &[String]) -> Result<Vec<DatasetSummary>> {
        Err(TrackError::internal(format!("not yet: {experiment_ids:?}")))
    }
}
