//! Logged models that were deleted: there until garbage is collected.

use super::Tracker;
use super::logged_models::no_model;
use super::read_models::{COLUMNS, models};
use crate::again::again;
use crate::sql::Sql;
use crate::{LoggedModel, Result};

impl Tracker {
    /// A logged model, deleted or not.
    ///
    /// # Errors
    /// [`ResourceDoesNotExist`](crate::ErrorCode::ResourceDoesNotExist).
    pub async fn get_logged_model_or_deleted(&self, model_id: &str) -> Result<LoggedModel> {
        again!(self.database, {
            let mut read = self.database.read().await?;
            let row = Sql::new(COLUMNS).push(" WHERE l.model_uuid = ").bind(model_id).fetch_optional(&mut read).await?;
            let row = row.ok_or_else(|| no_model(model_id))?;
            models(&mut read, &[row]).await?.pop().ok_or_else(|| no_model(model_id))
        })
    }
}
