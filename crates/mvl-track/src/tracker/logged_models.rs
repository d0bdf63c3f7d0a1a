//! Models that runs made.

use std::collections::HashMap;

use super::Tracker;
use crate::database::Connection;
use crate::{LoggedModel, LoggedModelStatus, Param, Result, Tag, TrackError};

/// A logged model to make.
#[derive(Debug, Clone, Default)]
pub struct NewLoggedModel {
    /// The experiment's id.
    pub experiment_id: String,
    /// A name for people; one is made up when it is `None`.
    pub name: Option<String>,
    /// The run that makes it.
    pub source_run_id: Option<String>,
    /// What kind of model.
    pub model_type: Option<String>,
    /// Notes.
    pub tags: Vec<Tag>,
    /// Settings.
    pub params: Vec<Param>,
}

impl Tracker {
    /// Makes a logged model, pending until [`finalize_logged_model`](Self::finalize_logged_model).
    ///
    /// # Errors
    /// When the experiment is missing or deleted, or the name is not allowed.
    pub async fn create_logged_model(&self, new: NewLoggedModel) -> Result<LoggedModel> {
        Err(TrackError::internal(format!("not yet: {new:?}")))
    }

    /// A logged model that is not deleted.
    ///
    /// # Errors
    /// [`ResourceDoesNotExist`](crate::ErrorCode::ResourceDoesNotExist).
    pub async fn get_logged_model(&self, model_id: &str) -> Result<LoggedModel> {
        Err(TrackError::internal(format!("not yet: {model_id:?}")))
    }

    /// Says that a model's files are there, or will not be.
    ///
    /// # Errors
    /// When it is missing.
    pub async fn finalize_logged_model(&self, model_id: &str, status: LoggedModelStatus) -> Result<LoggedModel> {
        Err(TrackError::internal(format!("not yet: {model_id:?} {status:?}")))
    }

    /// Deletes a logged model, until garbage is collected out of sight only.
    ///
    /// # Errors
    /// When it is missing.
    pub async fn delete_logged_model(&self, model_id: &str) -> Result<()> {
        Err(TrackError::internal(format!("not yet: {model_id:?}")))
    }

    /// Sets tags of a logged model.
    ///
    /// # Errors
    /// When it is missing, or a tag is too long.
    pub async fn set_logged_model_tags(&self, model_id: &str, tags: &[Tag]) -> Result<()> {
        Err(TrackError::internal(format!("not yet: {model_id:?} {tags:?}")))
    }

    /// Removes a tag of a logged model.
    ///
    /// # Errors
    /// When the model or the tag is missing.
    pub async fn delete_logged_model_tag(&self, model_id: &str, key: &str) -> Result<()> {
        Err(TrackError::internal(format!("not yet: {model_id:?} {key:?}")))
    }

    /// Adds parameters to a logged model.
    ///
    /// # Errors
    /// When it is missing, or a parameter has another value already.
    pub async fn log_logged_model_params(&self, model_id: &str, params: &[Param]) -> Result<()> {
        Err(TrackError::internal(format!("not yet: {model_id:?} {params:?}")))
    }
}

/// The numbers of logged models by id.
pub(super) async fn model_numbers(
    _connection: &mut Connection,
    _ids: impl Iterator<Item = &str>,
) -> Result<HashMap<String, i64>> {
    Ok(HashMap::new())
}

pub(super) fn no_model(model_id: &str) -> TrackError {
    TrackError::missing(format!("Logged model with ID '{model_id}' not found."))
}
