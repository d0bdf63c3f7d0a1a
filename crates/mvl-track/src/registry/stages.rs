//! Stages, for older clients.

use super::Registry;
use crate::{ModelVersion, Result, Stage, TrackError};

impl Registry {
    /// Moves a version to a stage; with `archive_existing`, those that stand in it move to [`Stage::Archived`].
    ///
    /// # Errors
    /// When it is missing, or `archive_existing` is asked for another stage than staging and production.
    pub async fn transition_stage(
        &self,
        name: &str,
        version: u64,
        stage: Stage,
        archive_existing: bool,
    ) -> Result<ModelVersion> {
        Err(TrackError::internal(format!("not yet: {name:?} {version:?} {stage:?} {archive_existing}")))
    }

    /// The newest version of each of some stages (of all, when none is named).
    ///
    /// # Errors
    /// When the model is missing.
    pub async fn latest_versions(&self, name: &str, stages: &[Stage]) -> Result<Vec<ModelVersion>> {
        Err(TrackError::internal(format!("not yet: {name:?} {stages:?}")))
    }
}
