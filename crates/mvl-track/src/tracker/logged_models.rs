//! Models that runs made.

use std::collections::HashMap;

use super::experiments::active_experiment;
use super::read_models::{COLUMNS, models};
use super::{Tracker, join_location};
use crate::again::again;
use crate::clock::{new_id, now_ms};
use crate::database::Connection;
use crate::limits::LIST_VALUES;
use crate::run_names::random_name;
use crate::sql::Sql;
use crate::{LoggedModel, LoggedModelStatus, Param, Result, Tag, TrackError, limits, names};

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
        again!(self.database, {
            let name = match new.name.clone() {
                Some(name) => name,
                None => random_name()?,
            };
            names::logged_model_name(&name)?;
            names::text("model_type", new.model_type.as_deref().unwrap_or_default(), limits::DATASET_NAME_LENGTH)?;
            names::text("source_run_id", new.source_run_id.as_deref().unwrap_or_default(), limits::MODEL_NAME_LENGTH)?;
            let model_id = format!("m-{}", new_id()?);
            let now = now_ms();

            let mut write = self.database.write().await?;
            let experiment = active_experiment(&mut write, &new.experiment_id, self.database.for_share()).await?;
            let mut select = Sql::new("SELECT artifact_location FROM experiments WHERE id = ");
            let row = select.bind(experiment).fetch_optional(&mut write).await?;
            let location = row.map(|row| row.text(0)).transpose()?.unwrap_or_default();
            let location = self.location_or_default(location, &experiment.to_string());
            let mut insert = Sql::new(
                "INSERT INTO logged_models (model_uuid, experiment_id, name, artifact_location, creation_time, \
                 last_update_time, status, model_type, source_run_id, lifecycle_stage) VALUES (",
            );
            insert.bind(&*model_id).push(", ").bind(experiment).push(", ").bind(name).push(", ");
            insert.bind(join_location(&location, &format!("models/{model_id}/artifacts"))).push(", ");
            insert.bind(now).push(", ").bind(now).push(", ").bind(LoggedModelStatus::Pending.as_str()).push(", ");
            insert.bind(new.model_type.as_deref()).push(", ").bind(new.source_run_id.as_deref());
            let row = insert.push(", 'active') RETURNING id").fetch_optional(&mut write).await?;
            let id = row.ok_or_else(|| TrackError::internal("the database gave a new model no number"))?.int(0)?;
            put_params(&mut write, id, &model_id, &new.params).await?;
            put_tags(&mut write, id, &new.tags).await?;
            let model = model_by_id(&mut write, &model_id).await?;
            write.commit().await?;
            Ok(model)
        })
    }

    /// A logged model that is not deleted.
    ///
    /// # Errors
    /// [`ResourceDoesNotExist`](crate::ErrorCode::ResourceDoesNotExist).
    pub async fn get_logged_model(&self, model_id: &str) -> Result<LoggedModel> {
        again!(self.database, { model_by_id(&mut *self.database.read().await?, model_id).await })
    }

    /// Says that a model's files are there, or will not be.
    ///
    /// # Errors
    /// When it is missing.
    pub async fn finalize_logged_model(&self, model_id: &str, status: LoggedModelStatus) -> Result<LoggedModel> {
        again!(self.database, {
            let mut write = self.database.write().await?;
            let id = self.lock_model(&mut write, model_id).await?;
            let mut update = Sql::new("UPDATE logged_models SET status = ");
            update.bind(status.as_str()).push(", last_update_time = ").bind(now_ms()).push(" WHERE id = ").bind(id);
            update.execute(&mut write).await?;
            let model = model_by_id(&mut write, model_id).await?;
            write.commit().await?;
            Ok(model)
        })
    }

    /// Deletes a logged model; until garbage is collected it is only out of sight.
    ///
    /// # Errors
    /// When it is missing.
    pub async fn delete_logged_model(&self, model_id: &str) -> Result<()> {
        again!(self.database, {
            let mut write = self.database.write().await?;
            let id = self.lock_model(&mut write, model_id).await?;
            let mut update = Sql::new("UPDATE logged_models SET lifecycle_stage = 'deleted', last_update_time = ");
            update.bind(now_ms()).push(" WHERE id = ").bind(id).execute(&mut write).await?;
            write.commit().await
        })
    }

    /// Sets tags of a logged model.
    ///
    /// # Errors
    /// When it is missing, or a tag is too long.
    pub async fn set_logged_model_tags(&self, model_id: &str, tags: &[Tag]) -> Result<()> {
        again!(self.database, {
            let mut write = self.database.write().await?;
            let id = self.lock_model(&mut write, model_id).await?;
            put_tags(&mut write, id, tags).await?;
            write.commit().await
        })
    }

    /// Sets a tag of a logged model to what is made of the value that it has, as [`change_tag`](Self::change_tag) does of a run.
    ///
    /// # Errors
    /// As for [`set_logged_model_tags`](Self::set_logged_model_tags).
    pub async fn change_logged_model_tag(
        &self,
        model_id: &str,
        key: &str,
        change: impl Fn(Option<&str>) -> String + Send + Sync,
    ) -> Result<()> {
        again!(self.database, {
            let mut write = self.database.write().await?;
            let id = self.lock_model(&mut write, model_id).await?;
            let mut select = Sql::new("SELECT value FROM logged_model_tags WHERE model_id = ");
            let row = select.bind(id).push(" AND key = ").bind(key).fetch_optional(&mut write).await?;
            let before = row.map(|row| row.text(0)).transpose()?;
            put_tags(&mut write, id, &[Tag::new(key, change(before.as_deref()))]).await?;
            write.commit().await
        })
    }

    /// Removes a tag of a logged model.
    ///
    /// # Errors
    /// When the model or the tag is missing.
    pub async fn delete_logged_model_tag(&self, model_id: &str, key: &str) -> Result<()> {
        again!(self.database, {
            let mut write = self.database.write().await?;
            let id = self.lock_model(&mut write, model_id).await?;
            let mut delete = Sql::new("DELETE FROM logged_model_tags WHERE model_id = ");
            if delete.bind(id).push(" AND key = ").bind(key).execute(&mut write).await? == 0 {
                let message = format!("No tag with key {key:?} found for model with ID {model_id:?}.");
                return Err(TrackError::missing(message));
            }
            write.commit().await
        })
    }

    /// Adds parameters to a logged model.
    ///
    /// # Errors
    /// When it is missing, or a parameter has another value already.
    pub async fn log_logged_model_params(&self, model_id: &str, params: &[Param]) -> Result<()> {
        again!(self.database, {
            let mut write = self.database.write().await?;
            let id = self.lock_model(&mut write, model_id).await?;
            put_params(&mut write, id, model_id, params).await?;
            write.commit().await
        })
    }

    /// Keeps a logged model as it is until the transaction ends.
    pub(super) async fn lock_model(&self, write: &mut Connection, model_id: &str) -> Result<i64> {
        let mut select = Sql::new("SELECT id FROM logged_models WHERE lifecycle_stage = 'active' AND model_uuid = ");
        let row = select.bind(model_id).push(self.database.for_update()).fetch_optional(write).await?;
        row.ok_or_else(|| no_model(model_id))?.int(0)
    }
}

async fn model_by_id(read: &mut Connection, model_id: &str) -> Result<LoggedModel> {
    let mut select = Sql::new(COLUMNS);
    select.push(" WHERE l.lifecycle_stage = 'active' AND l.model_uuid = ").bind(model_id);
    let row = select.fetch_optional(read).await?.ok_or_else(|| no_model(model_id))?;
    models(read, &[row]).await?.pop().ok_or_else(|| no_model(model_id))
}

async fn put_params(write: &mut Connection, id: i64, model_id: &str, params: &[Param]) -> Result<()> {
    for params in params.chunks(LIST_VALUES) {
        let params = super::params::checked(params, |index| format!("params[{index}]"))?;
        let mut insert = Sql::new("INSERT INTO logged_model_params (model_id, key, value) VALUES ");
        insert.list(&params, |sql, param| {
            sql.push("(").bind(id).push(", ").bind(&*param.key).push(", ").bind(&*param.value).push(")");
        });
        insert.push(" ON CONFLICT (model_id, key) DO NOTHING").execute(write).await?;
        let mut select = Sql::new("SELECT key, value FROM logged_model_params WHERE model_id = ");
        select.bind(id).push(" AND key IN ").values(params.iter().map(|param| &*param.key));
        let wanted: HashMap<_, _> = params.iter().map(|param| (&*param.key, &*param.value)).collect();
        for row in select.fetch_all(write).await? {
            let (key, there) = (row.text(0)?, row.text(1)?);
            if wanted.get(&*key).is_some_and(|wanted| *wanted != there) {
                return Err(TrackError::invalid(format!(
                    "Changing param values is not allowed. Param with key='{key}' was already logged with value='{there}' \
                     for model ID='{model_id}'."
                )));
            }
        }
    }
    Ok(())
}

/// Checks and writes tags; of the same key, the last.
async fn put_tags(write: &mut Connection, id: i64, tags: &[Tag]) -> Result<()> {
    let mut last = std::collections::BTreeMap::new();
    for tag in tags {
        last.insert(&*tag.key, names::tag("", tag)?);
    }
    let tags: Vec<_> = last.into_iter().collect();
    for tags in tags.chunks(LIST_VALUES) {
        let mut insert = Sql::new("INSERT INTO logged_model_tags (model_id, key, value) VALUES ");
        insert.list(tags, |sql, (key, value)| {
            sql.push("(").bind(id).push(", ").bind(*key).push(", ").bind(&**value).push(")");
        });
        insert.push(" ON CONFLICT (model_id, key) DO UPDATE SET value = excluded.value").execute(write).await?;
    }
    Ok(())
}

/// The numbers of logged models by id; missing and deleted ones are left out.
pub(super) async fn model_numbers(
    connection: &mut Connection,
    ids: impl Iterator<Item = &str>,
) -> Result<HashMap<String, i64>> {
    let mut ids: Vec<_> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    let mut numbers = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(LIST_VALUES) {
        let mut select =
            Sql::new("SELECT model_uuid, id FROM logged_models WHERE lifecycle_stage = 'active' AND model_uuid IN ");
        for row in select.values(ids.iter().copied()).fetch_all(connection).await? {
            numbers.insert(row.text(0)?, row.int(1)?);
        }
    }
    Ok(numbers)
}

pub(super) fn no_model(model_id: &str) -> TrackError {
    TrackError::missing(format!("Logged model with ID '{model_id}' not found."))
}
