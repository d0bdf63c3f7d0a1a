//! Registered models: make, read, rename, describe, delete, note.

use super::Registry;
use super::read::{model_by_name, touch};
use crate::again::again;
use crate::clock::now_ms;
use crate::database::Connection;
use crate::error::is_taken;
use crate::sql::Sql;
use crate::{ErrorCode, RegisteredModel, Result, Tag, TrackError, limits, names};

impl Registry {
    /// Registers a name.
    ///
    /// # Errors
    /// [`ResourceAlreadyExists`](crate::ErrorCode::ResourceAlreadyExists) when the name is taken.
    pub async fn create_model(&self, name: &str, tags: &[Tag], description: Option<&str>) -> Result<RegisteredModel> {
        again!(self.database, {
            names::model_name(name)?;
            names::text("description", description.unwrap_or_default(), limits::DESCRIPTION_LENGTH)?;
            for tag in tags {
                names::registry_tag(tag)?;
            }
            let mut write = self.database.write().await?;
            let now = now_ms();
            let mut insert =
                Sql::new("INSERT INTO registered_models (name, description, creation_time, last_update_time) VALUES (");
            insert.bind(name).push(", ").bind(description).push(", ").bind(now).push(", ").bind(now);
            insert.push(") ON CONFLICT (name) DO NOTHING RETURNING id");
            let row = insert.fetch_optional(&mut write).await?.ok_or_else(|| taken(name))?;
            let model = row.int(0)?;
            for tag in tags {
                put_tag(&mut write, model, tag).await?;
            }
            let made = model_by_name(&mut write, name).await?;
            write.commit().await?;
            Ok(made)
        })
    }

    /// A registered model.
    ///
    /// # Errors
    /// [`ResourceDoesNotExist`](crate::ErrorCode::ResourceDoesNotExist).
    pub async fn get_model(&self, name: &str) -> Result<RegisteredModel> {
        again!(self.database, {
            names::model_name(name)?;
            model_by_name(&mut *self.database.read().await?, name).await
        })
    }

    /// Gives a model and all its versions another name.
    ///
    /// # Errors
    /// When it is missing, or the name is taken.
    pub async fn rename_model(&self, name: &str, new_name: &str) -> Result<RegisteredModel> {
        again!(self.database, {
            names::model_name(new_name)?;
            let mut write = self.database.write().await?;
            let model = self.lock_model(&mut write, name).await?;
            let mut select = Sql::new("SELECT id FROM registered_models WHERE name = ");
            let other = select.bind(new_name).fetch_optional(&mut write).await?;
            if other.is_some_and(|row| row.int(0).is_ok_and(|other| other != model)) {
                return Err(taken(new_name));
            }
            let now = now_ms();
            let mut update = Sql::new("UPDATE registered_models SET name = ");
            update.bind(new_name).push(" WHERE id = ").bind(model);
            update.execute(&mut write).await.map_err(|error| if is_taken(&error) { taken(new_name) } else { error })?;
            touch(&mut write, model, now).await?;
            let mut update = Sql::new("UPDATE model_versions SET last_update_time = ");
            update.bind(now).push(" WHERE model_id = ").bind(model).execute(&mut write).await?;
            let renamed = model_by_name(&mut write, new_name).await?;
            write.commit().await?;
            Ok(renamed)
        })
    }

    /// Describes a model anew.
    ///
    /// # Errors
    /// When it is missing.
    pub async fn update_model(&self, name: &str, description: Option<&str>) -> Result<RegisteredModel> {
        again!(self.database, {
            names::text("description", description.unwrap_or_default(), limits::DESCRIPTION_LENGTH)?;
            let mut write = self.database.write().await?;
            let model = self.lock_model(&mut write, name).await?;
            let mut update = Sql::new("UPDATE registered_models SET description = ");
            update.bind(description).push(" WHERE id = ").bind(model).execute(&mut write).await?;
            touch(&mut write, model, now_ms()).await?;
            let updated = model_by_name(&mut write, name).await?;
            write.commit().await?;
            Ok(updated)
        })
    }

    /// Removes a model with all its versions, tags and aliases, for good.
    ///
    /// # Errors
    /// When it is missing.
    pub async fn delete_model(&self, name: &str) -> Result<()> {
        again!(self.database, {
            let mut write = self.database.write().await?;
            let model = self.lock_model(&mut write, name).await?;
            // What belongs to it goes with it.
            Sql::new("DELETE FROM registered_models WHERE id = ").bind(model).execute(&mut write).await?;
            write.commit().await
        })
    }

    /// Sets a tag of a model.
    ///
    /// # Errors
    /// When it is missing, or the tag is too long.
    pub async fn set_model_tag(&self, name: &str, tag: &Tag) -> Result<()> {
        again!(self.database, {
            names::registry_tag(tag)?;
            let mut write = self.database.write().await?;
            let model = self.lock_model(&mut write, name).await?;
            put_tag(&mut write, model, tag).await?;
            write.commit().await
        })
    }

    /// Removes a tag of a model; a tag that is not there is no error.
    ///
    /// # Errors
    /// When the model is missing.
    pub async fn delete_model_tag(&self, name: &str, key: &str) -> Result<()> {
        again!(self.database, {
            names::key("key", key)?;
            let mut write = self.database.write().await?;
            let model = self.lock_model(&mut write, name).await?;
            let mut delete = Sql::new("DELETE FROM registered_model_tags WHERE model_id = ");
            delete.bind(model).push(" AND key = ").bind(key).execute(&mut write).await?;
            write.commit().await
        })
    }
}

async fn put_tag(write: &mut Connection, model: i64, tag: &Tag) -> Result<()> {
    let mut insert = Sql::new("INSERT INTO registered_model_tags (model_id, key, value) VALUES (");
    insert.bind(model).push(", ").bind(&*tag.key).push(", ").bind(&*tag.value);
    insert.push(") ON CONFLICT (model_id, key) DO UPDATE SET value = excluded.value").execute(write).await?;
    Ok(())
}

fn taken(name: &str) -> TrackError {
    TrackError::new(ErrorCode::ResourceAlreadyExists, format!("Registered Model (name={name}) already exists."))
}
