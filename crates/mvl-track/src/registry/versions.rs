//! Versions: make, read, describe, delete, note.

use super::Registry;
use crate::{ModelVersion, Result, Tag, TrackError};

/// A version to make.
#[derive(Debug, Clone, Default)]
pub struct NewVersion {
    /// The registered model.
    pub name: String,
    /// Where its files come from.
    pub source: String,
    /// Where its files lie, when that is another place than the source.
    pub storage_location: Option<String>,
    /// The run that made it.
    pub run_id: Option<String>,
    /// Where to see that run.
    pub run_link: Option<String>,
    /// The logged model that it is made from.
    pub model_id: Option<String>,
    /// Who makes it.
    pub user_id: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// The digest of its manifest.
    pub manifest: Option<String>,
    /// Notes.
    pub tags: Vec<Tag>,
}

impl Registry {
    /// Adds a version under the next number. A source `models:/…` is resolved to where that model's files lie.
    ///
    /// # Errors
    /// When the model is missing, or a tag is too long.
    pub async fn create_version(&self, new: &NewVersion) -> Result<ModelVersion> {
        Err(TrackError::internal(format!("not yet: {new:?}")))
    }

    /// A version.
    ///
    /// # Errors
    /// [`ResourceDoesNotExist`](crate::ErrorCode::ResourceDoesNotExist).
    pub async fn get_version(&self, name: &str, version: u64) -> Result<ModelVersion> {
        Err(TrackError::internal(format!("not yet: {name:?} {version:?}")))
    }

    /// Where a version's files lie.
    ///
    /// # Errors
    /// [`ResourceDoesNotExist`](crate::ErrorCode::ResourceDoesNotExist).
    pub async fn version_download_uri(&self, name: &str, version: u64) -> Result<String> {
        Err(TrackError::internal(format!("not yet: {name:?} {version:?}")))
    }

    /// Describes a version anew.
    ///
    /// # Errors
    /// When it is missing.
    pub async fn update_version(&self, name: &str, version: u64, description: Option<&str>) -> Result<ModelVersion> {
        Err(TrackError::internal(format!("not yet: {name:?} {version:?} {description:?}")))
    }

    /// Deletes a version and the aliases that stand for it. Its number is not given again.
    ///
    /// # Errors
    /// When it is missing.
    pub async fn delete_version(&self, name: &str, version: u64) -> Result<()> {
        Err(TrackError::internal(format!("not yet: {name:?} {version:?}")))
    }

    /// Sets a tag of a version.
    ///
    /// # Errors
    /// When it is missing, or the tag is too long.
    pub async fn set_version_tag(&self, name: &str, version: u64, tag: &Tag) -> Result<()> {
        Err(TrackError::internal(format!("not yet: {name:?} {version:?} {tag:?}")))
    }

    /// Removes a tag of a version; a tag that is not there is no error.
    ///
    /// # Errors
    /// When the version is missing.
    pub async fn delete_version_tag(&self, name: &str, version: u64, key: &str) -> Result<()> {
        Err(TrackError::internal(format!("not yet: {name:?} {version:?} {key:?}")))
    }
}
