//! Versions: make, read, describe, delete, note.

use super::Registry;
use super::aliases::Reference;
use super::read::{DELETED, touch, version_by_number};
use crate::again::again;
use crate::clock::now_ms;
use crate::database::Connection;
use crate::sql::Sql;
use crate::{ErrorCode, ModelVersion, ModelVersionStatus, Result, Stage, Tag, TrackError, limits, names};

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
        again!(self.database, {
            names::model_name(&new.name)?;
            for (what, value) in [
                ("source", Some(&new.source)),
                ("storage_location", new.storage_location.as_ref()),
                ("run_id", new.run_id.as_ref()),
                ("run_link", new.run_link.as_ref()),
                ("model_id", new.model_id.as_ref()),
                ("user_id", new.user_id.as_ref()),
                ("manifest", new.manifest.as_ref()),
            ] {
                names::text(what, value.map_or("", |value| value), limits::LOCATION_LENGTH)?;
            }
            names::text("description", new.description.as_deref().unwrap_or_default(), limits::DESCRIPTION_LENGTH)?;
            for tag in &new.tags {
                names::registry_tag(tag)?;
            }
            let mut write = self.database.write().await?;
            let model = self.lock_model(&mut write, &new.name).await?;
            let (location, run_id) = origin(&mut write, new).await?;
            let row = Sql::new("SELECT max(version) FROM model_versions WHERE model_id = ")
                .bind(model)
                .fetch_optional(&mut write)
                .await?;
            let version = row.map(|row| row.int_or_none(0)).transpose()?.flatten().unwrap_or_default() + 1;
            let now = now_ms();
            let mut insert = Sql::new(
                "INSERT INTO model_versions (model_id, version, creation_time, last_update_time, description, user_id, stage, \
                 source, storage_location, run_id, run_link, logged_model_id, manifest, status) VALUES (",
            );
            insert.bind(model).push(", ").bind(version).push(", ").bind(now).push(", ").bind(now);
            let (stage, status) = (Stage::None.as_str(), ModelVersionStatus::Ready.as_str());
            for text in [
                new.description.as_deref(),
                new.user_id.as_deref(),
                Some(stage),
                Some(&new.source),
                Some(&location),
                run_id.as_deref(),
                new.run_link.as_deref(),
                new.model_id.as_deref(),
                new.manifest.as_deref(),
                Some(status),
            ] {
                insert.push(", ").bind(text);
            }
            insert.push(")").execute(&mut write).await?;
            for tag in &new.tags {
                put_tag(&mut write, model, version, tag).await?;
            }
            touch(&mut write, model, now).await?;
            let made = version_by_number(&mut write, &new.name, super::read::number(version)).await?;
            write.commit().await?;
            Ok(made)
        })
    }

    /// A version.
    ///
    /// # Errors
    /// [`ResourceDoesNotExist`](crate::ErrorCode::ResourceDoesNotExist).
    pub async fn get_version(&self, name: &str, version: u64) -> Result<ModelVersion> {
        again!(self.database, {
            names::model_name(name)?;
            version_by_number(&mut *self.database.read().await?, name, version).await
        })
    }

    /// Where a version's files lie.
    ///
    /// # Errors
    /// [`ResourceDoesNotExist`](crate::ErrorCode::ResourceDoesNotExist).
    pub async fn version_download_uri(&self, name: &str, version: u64) -> Result<String> {
        again!(self.database, {
            names::model_name(name)?;
            location_of(&mut *self.database.read().await?, name, version).await
        })
    }

    /// Describes a version anew.
    ///
    /// # Errors
    /// When it is missing.
    pub async fn update_version(&self, name: &str, version: u64, description: Option<&str>) -> Result<ModelVersion> {
        again!(self.database, {
            names::text("description", description.unwrap_or_default(), limits::DESCRIPTION_LENGTH)?;
            let mut write = self.database.write().await?;
            let (model, number) = self.lock_version(&mut write, name, version).await?;
            let mut update = Sql::new("UPDATE model_versions SET description = ");
            update.bind(description).push(", last_update_time = ").bind(now_ms());
            update
                .push(" WHERE model_id = ")
                .bind(model)
                .push(" AND version = ")
                .bind(number)
                .execute(&mut write)
                .await?;
            let updated = version_by_number(&mut write, name, version).await?;
            write.commit().await?;
            Ok(updated)
        })
    }

    /// Deletes a version and the aliases that stand for it. Its number is not given again.
    ///
    /// # Errors
    /// When it is missing.
    pub async fn delete_version(&self, name: &str, version: u64) -> Result<()> {
        again!(self.database, {
            let mut write = self.database.write().await?;
            let (model, number) = self.lock_version(&mut write, name, version).await?;
            for delete in
                ["DELETE FROM model_aliases WHERE model_id = ", "DELETE FROM model_version_tags WHERE model_id = "]
            {
                Sql::new(delete).bind(model).push(" AND version = ").bind(number).execute(&mut write).await?;
            }
            let now = now_ms();
            let mut update = Sql::new("UPDATE model_versions SET stage = ");
            update.bind(DELETED).push(", last_update_time = ").bind(now).push(
                ", description = NULL, user_id = NULL, source = NULL, storage_location = NULL, run_id = NULL, run_link = NULL, \
                 logged_model_id = NULL, manifest = NULL, status_message = NULL WHERE model_id = ",
            );
            update.bind(model).push(" AND version = ").bind(number).execute(&mut write).await?;
            touch(&mut write, model, now).await?;
            write.commit().await
        })
    }

    /// Sets a tag of a version.
    ///
    /// # Errors
    /// When it is missing, or the tag is too long.
    pub async fn set_version_tag(&self, name: &str, version: u64, tag: &Tag) -> Result<()> {
        again!(self.database, {
            names::registry_tag(tag)?;
            let mut write = self.database.write().await?;
            let (model, number) = self.lock_version(&mut write, name, version).await?;
            put_tag(&mut write, model, number, tag).await?;
            write.commit().await
        })
    }

    /// Removes a tag of a version; a tag that is not there is no error.
    ///
    /// # Errors
    /// When the version is missing.
    pub async fn delete_version_tag(&self, name: &str, version: u64, key: &str) -> Result<()> {
        again!(self.database, {
            names::key("key", key)?;
            let mut write = self.database.write().await?;
            let (model, number) = self.lock_version(&mut write, name, version).await?;
            let mut delete = Sql::new("DELETE FROM model_version_tags WHERE model_id = ");
            delete
                .bind(model)
                .push(" AND version = ")
                .bind(number)
                .push(" AND key = ")
                .bind(key)
                .execute(&mut write)
                .await?;
            write.commit().await
        })
    }
}

/// Where a new version's files lie, and the run that made them: a source `models:/…` is looked up.
async fn origin(write: &mut Connection, new: &NewVersion) -> Result<(String, Option<String>)> {
    let mut location = new.storage_location.clone();
    let mut run_id = new.run_id.clone();
    let failed = |error: TrackError| {
        let message = format!(
            "Unable to fetch model from model URI source artifact location '{}'. {}",
            new.source, error.message
        );
        // With its cause, by which it is known whether another attempt is worth it.
        TrackError { message, ..error }
    };
    let logged = new.source.strip_prefix("models:/").filter(|id| id.starts_with("m-") && !id.contains(['/', '@']));
    if let Some(model_id) = logged.or(new.model_id.as_deref()) {
        let mut select = Sql::new(
            "SELECT artifact_location, source_run_id FROM logged_models WHERE lifecycle_stage = 'active' AND model_uuid = ",
        );
        match select.bind(model_id).fetch_optional(write).await? {
            Some(row) => {
                if logged.is_some() {
                    location = location.or(Some(row.text(0)?));
                }
                run_id = run_id.filter(|id| !id.is_empty()).or(row.text_or_none(1)?);
            }
            None if logged.is_some() => {
                return Err(failed(TrackError::missing(format!("Logged model with ID '{model_id}' not found."))));
            }
            None => {}
        }
    } else if new.source.starts_with("models:/") && location.is_none() {
        let reference = Reference::parse(&new.source).map_err(failed)?;
        let (name, version) = reference.number(write).await.map_err(failed)?;
        location = Some(location_of(write, &name, version).await.map_err(failed)?);
    }
    Ok((location.unwrap_or_else(|| new.source.clone()), run_id))
}

async fn location_of(read: &mut Connection, name: &str, version: u64) -> Result<String> {
    let missing = || super::read::no_version(name, version);
    let mut select = Sql::new(
        "SELECT v.storage_location, v.source FROM model_versions v JOIN registered_models m ON m.id = v.model_id WHERE m.name = ",
    );
    select.bind(name).push(" AND v.version = ").bind(i64::try_from(version).map_err(|_| missing())?);
    let row = select.push(" AND v.stage <> ").bind(DELETED).fetch_optional(read).await?.ok_or_else(missing)?;
    let location = row.text_or_none(0)?.or(row.text_or_none(1)?);
    location
        .ok_or_else(|| TrackError::new(ErrorCode::InvalidState, format!("version {version} of {name:?} has no files")))
}

async fn put_tag(write: &mut Connection, model: i64, version: i64, tag: &Tag) -> Result<()> {
    let mut insert = Sql::new("INSERT INTO model_version_tags (model_id, version, key, value) VALUES (");
    insert.bind(model).push(", ").bind(version).push(", ").bind(&*tag.key).push(", ").bind(&*tag.value);
    insert.push(") ON CONFLICT (model_id, version, key) DO UPDATE SET value = excluded.value").execute(write).await?;
    Ok(())
}
