//! Aliases: names for versions, moved by compare-and-set.

use super::Registry;
use crate::{ModelVersion, Result, TrackError};

impl Registry {
    /// Lets an alias stand for a version, whatever it stood for.
    ///
    /// # Errors
    /// When the version is missing, or the alias is not allowed.
    pub async fn set_alias(&self, name: &str, alias: &str, version: u64) -> Result<()> {
        Err(TrackError::internal(format!("not yet: {name:?} {alias:?} {version}")))
    }

    /// Lets an alias stand for a version if it still stands for `expected` (`None`: if there is no such alias). Of several programs
    /// that expect the same, one succeeds.
    ///
    /// # Errors
    /// [`ResourceConflict`](crate::ErrorCode::ResourceConflict) when the alias stands for something else.
    pub async fn promote(&self, name: &str, alias: &str, version: u64, expected: Option<u64>) -> Result<ModelVersion> {
        Err(TrackError::internal(format!("not yet: {name:?} {alias:?} {version} {expected:?}")))
    }

    /// Removes an alias; one that is not there is no error.
    ///
    /// # Errors
    /// When the model is missing.
    pub async fn delete_alias(&self, name: &str, alias: &str) -> Result<()> {
        Err(TrackError::internal(format!("not yet: {name:?} {alias:?}")))
    }

    /// The version that an alias stands for. `latest` is the highest number.
    ///
    /// # Errors
    /// [`ResourceDoesNotExist`](crate::ErrorCode::ResourceDoesNotExist) when the model is missing,
    /// [`InvalidParameterValue`](crate::ErrorCode::InvalidParameterValue), as MLflow answers, when the alias is.
    pub async fn version_by_alias(&self, name: &str, alias: &str) -> Result<ModelVersion> {
        Err(TrackError::internal(format!("not yet: {name:?} {alias:?}")))
    }

    /// The version that `models:/name/3`, `models:/name@champion`, `models:/name/Production` or `models:/name/latest` means.
    ///
    /// # Errors
    /// When the address is none, or means nothing.
    pub async fn resolve(&self, uri: &str) -> Result<ModelVersion> {
        Err(TrackError::internal(format!("not yet: {uri:?}")))
    }
}
