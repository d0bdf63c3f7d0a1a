//! Versions and models from rows, many with a fixed number of statements; and the lock that writers take.

use std::collections::HashMap;

use super::Registry;
use crate::database::Connection;
use crate::limits::LIST_VALUES;
use crate::placed::placed;
use crate::sql::{Row, Sql};
use crate::{Alias, ModelVersion, ModelVersionStatus, RegisteredModel, Result, Tag, TrackError, names};

/// What a deleted version's stage is; its row keeps its number from being given again.
pub(super) const DELETED: &str = "Deleted_Internal";

/// A version's columns; `v` is the table of versions, `m` that of models.
pub(super) const VERSION_COLUMNS: &str = "SELECT v.model_id, m.name, v.version, v.creation_time, v.last_update_time, \
     v.description, v.user_id, v.stage, v.source, v.run_id, v.run_link, v.logged_model_id, v.manifest, v.status, \
     v.status_message FROM model_versions v JOIN registered_models m ON m.id = v.model_id";

/// A model's columns; `m` is the table.
pub(super) const MODEL_COLUMNS: &str =
    "SELECT m.id, m.name, m.description, m.creation_time, m.last_update_time FROM registered_models m";

/// Versions from rows of [`VERSION_COLUMNS`], in the same order.
pub(super) async fn versions(read: &mut Connection, rows: &[Row]) -> Result<Vec<ModelVersion>> {
    let mut versions = Vec::with_capacity(rows.len());
    for rows in rows.chunks(LIST_VALUES) {
        let mut some = Vec::with_capacity(rows.len());
        let mut places = HashMap::with_capacity(rows.len());
        let mut models = Vec::with_capacity(rows.len());
        for row in rows {
            let model = row.int(0)?;
            places.insert((model, row.int(2)?), some.len());
            models.push(model);
            some.push(version(row)?);
        }
        models.sort_unstable();
        models.dedup();
        let mut select = Sql::new("SELECT model_id, version, key, value FROM model_version_tags WHERE model_id IN ");
        select.values(models.iter().copied()).push(" ORDER BY model_id, version, key");
        for row in select.fetch_all(read).await? {
            if let Some(version) = placed(&mut some, &places, &(row.int(0)?, row.int(1)?)) {
                version.tags.push(Tag::new(row.text(2)?, row.text(3)?));
            }
        }
        let mut select = Sql::new("SELECT model_id, version, alias FROM model_aliases WHERE model_id IN ");
        for row in select.values(models).push(" ORDER BY model_id, alias").fetch_all(read).await? {
            if let Some(version) = placed(&mut some, &places, &(row.int(0)?, row.int(1)?)) {
                version.aliases.push(row.text(2)?);
            }
        }
        versions.extend(some);
    }
    Ok(versions)
}

fn version(row: &Row) -> Result<ModelVersion> {
    Ok(ModelVersion {
        name: row.text(1)?,
        version: number(row.int(2)?),
        creation_timestamp: row.int(3)?,
        last_updated_timestamp: row.int(4)?,
        description: row.text_or_none(5)?,
        user_id: row.text_or_none(6)?,
        current_stage: row.text(7)?.parse().unwrap_or_default(),
        source: row.text_or_none(8)?,
        run_id: row.text_or_none(9)?,
        run_link: row.text_or_none(10)?,
        model_id: row.text_or_none(11)?,
        manifest: row.text_or_none(12)?,
        status: ModelVersionStatus::from_database(&row.text(13)?),
        status_message: row.text_or_none(14)?,
        tags: Vec::new(),
        aliases: Vec::new(),
    })
}

/// Models from rows of [`MODEL_COLUMNS`], in the same order.
pub(super) async fn models(read: &mut Connection, rows: &[Row]) -> Result<Vec<RegisteredModel>> {
    let mut models = Vec::with_capacity(rows.len());
    for rows in rows.chunks(LIST_VALUES) {
        let mut some = Vec::with_capacity(rows.len());
        let mut places = HashMap::with_capacity(rows.len());
        for row in rows {
            places.insert(row.int(0)?, some.len());
            some.push(RegisteredModel {
                name: row.text(1)?,
                creation_timestamp: row.int(3)?,
                last_updated_timestamp: row.int(4)?,
                description: row.text_or_none(2)?,
                latest_versions: Vec::new(),
                tags: Vec::new(),
                aliases: Vec::new(),
            });
        }
        let ids = || places.keys().copied();
        let mut select = Sql::new("SELECT model_id, key, value FROM registered_model_tags WHERE model_id IN ");
        for row in select.values(ids()).push(" ORDER BY model_id, key").fetch_all(read).await? {
            if let Some(model) = placed(&mut some, &places, &row.int(0)?) {
                model.tags.push(Tag::new(row.text(1)?, row.text(2)?));
            }
        }
        let mut select = Sql::new("SELECT model_id, alias, version FROM model_aliases WHERE model_id IN ");
        for row in select.values(ids()).push(" ORDER BY model_id, alias").fetch_all(read).await? {
            if let Some(model) = placed(&mut some, &places, &row.int(0)?) {
                model.aliases.push(Alias { alias: row.text(1)?, version: number(row.int(2)?) });
            }
        }
        let mut select = Sql::new(VERSION_COLUMNS);
        select.push(" JOIN (SELECT model_id, stage, max(version) AS newest FROM model_versions WHERE model_id IN ");
        select.values(ids()).push(" AND stage <> ").bind(DELETED);
        select.push(
            " GROUP BY model_id, stage) n ON n.model_id = v.model_id AND n.newest = v.version ORDER BY v.version",
        );
        let rows = select.fetch_all(read).await?;
        for (row, version) in rows.iter().zip(versions(read, &rows).await?) {
            if let Some(model) = placed(&mut some, &places, &row.int(0)?) {
                model.latest_versions.push(version);
            }
        }
        models.extend(some);
    }
    Ok(models)
}

/// One model.
pub(super) async fn model_by_name(read: &mut Connection, name: &str) -> Result<RegisteredModel> {
    let row = Sql::new(MODEL_COLUMNS).push(" WHERE m.name = ").bind(name).fetch_optional(read).await?;
    let row = row.ok_or_else(|| no_model(name))?;
    models(read, &[row]).await?.pop().ok_or_else(|| no_model(name))
}

/// One version that is not deleted.
pub(super) async fn version_by_number(read: &mut Connection, name: &str, version: u64) -> Result<ModelVersion> {
    let missing = || no_version(name, version);
    let number = i64::try_from(version).map_err(|_| missing())?;
    let mut select = Sql::new(VERSION_COLUMNS);
    select.push(" WHERE m.name = ").bind(name).push(" AND v.version = ").bind(number);
    let row = select.push(" AND v.stage <> ").bind(DELETED).fetch_optional(read).await?.ok_or_else(missing)?;
    versions(read, &[row]).await?.pop().ok_or_else(missing)
}

impl Registry {
    /// Keeps a model and all that belongs to it as it is until the transaction ends, and says that it changed.
    pub(super) async fn lock_model(&self, write: &mut Connection, name: &str) -> Result<i64> {
        names::model_name(name)?;
        let mut select = Sql::new("SELECT id FROM registered_models WHERE name = ");
        let row = select.bind(name).push(self.database.for_update()).fetch_optional(write).await?;
        row.ok_or_else(|| no_model(name))?.int(0)
    }

    /// [`lock_model`](Self::lock_model), and makes sure that a version is there.
    pub(super) async fn lock_version(&self, write: &mut Connection, name: &str, version: u64) -> Result<(i64, i64)> {
        let missing = || no_version(name, version);
        let number = i64::try_from(version).map_err(|_| missing())?;
        let model = self.lock_model(write, name).await.map_err(|error| match error.code {
            crate::ErrorCode::ResourceDoesNotExist => missing(),
            _ => error,
        })?;
        let mut select = Sql::new("SELECT version FROM model_versions WHERE model_id = ");
        select.bind(model).push(" AND version = ").bind(number).push(" AND stage <> ").bind(DELETED);
        select.fetch_optional(write).await?.ok_or_else(missing)?;
        Ok((model, number))
    }
}

/// Notes when a model changed.
pub(super) async fn touch(write: &mut Connection, model: i64, now: i64) -> Result<()> {
    let mut update = Sql::new("UPDATE registered_models SET last_update_time = ");
    update.bind(now).push(" WHERE id = ").bind(model).execute(write).await?;
    Ok(())
}

/// A version's number; the database has none below 1.
pub(super) fn number(version: i64) -> u64 {
    u64::try_from(version).unwrap_or_default()
}

pub(super) fn no_model(name: &str) -> TrackError {
    TrackError::missing(format!("Registered Model with name={name} not found"))
}

pub(super) fn no_version(name: &str, version: u64) -> TrackError {
    TrackError::missing(format!("Model Version (name={name}, version={version}) not found"))
}
