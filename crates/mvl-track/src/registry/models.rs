//! Registered models: make, read, rename, describe, delete, note.

use super::Registry;
use crate::{RegisteredModel, Result, Tag, TrackError};

impl Registry {
    /// Registers a name.
    ///
    /// # Errors
    /// [`ResourceAlreadyExists`](crate::ErrorCode::ResourceAlreadyExists) when the name is taken.
    pub async fn create_model(&self, name: &str, tags: &[Tag], description: Option<&str>) -> Result<RegisteredModel> {
        Err(TrackError::internal(format!("not yet: {name:?} {tags:?} {description:?}")))
    }

    /// A registered model.
    ///
    /// # Errors
    /// [`ResourceDoesNotExist`](crate::ErrorCode::ResourceDoesNotExist).
    pub async fn get_model(&self, name: &str) -> Result<RegisteredModel> {
        Err(TrackError::internal(format!("not yet: {name:?}")))
    }

    /// Gives a model and all its versions another name.
    ///
    /// # Errors
    /// When it is missing, or the name is taken.
    pub async fn rename_model(&self, name: &str, new_name: &str) -> Result<RegisteredModel> {
        Err(TrackError::internal(format!("not yet: {name:?} {new_name:?}")))
    }

    /// Describes a model anew.
    ///
    /// # Errors
    /// When it is missing.
    pub async fn update_model(&self, name: &str, description: Option<&str>) -> Result<RegisteredModel> {
        Err(TrackError::internal(format!("not yet: {name:?} {description:?}")))
    }

    /// Removes a model with all its versions, tags and aliases, for good.
    ///
    /// # Errors
    /// When it is missing.
    pub async fn delete_model(&self, name: &str) -> Result<()> {
        Err(TrackError::internal(format!("not yet: {name:?}")))
    }

    /// Sets a tag of a model.
    ///
    /// # Errors
    /// When it is missing, or the tag is too long.
    pub async fn set_model_tag(&self, name: &str, tag: &Tag) -> Result<()> {
        Err(TrackError::internal(format!("not yet: {name:?} {tag:?}")))
    }

    /// Removes a tag of a model; a tag that is not there is no error.
    ///
    /// # Errors
    /// When the model is missing.
    pub async fn delete_model_tag(&self, name: &str, key: &str) -> Result<()> {
        Err(TrackError::internal(format!("not yet: {name:?} {key:?}")))
    }
}
