//! Experiments: make, read, rename, delete, restore, note.

use super::{Tracker, join_location};
use crate::again::again;
use crate::clock::now_ms;
use crate::database::Connection;
use crate::error::is_taken;
use crate::sql::{Row, Sql};
use crate::{Experiment, LifecycleStage, Result, Tag, TrackError, limits, names};

pub(super) const COLUMNS: &str = "SELECT e.id, e.name, e.artifact_location, e.lifecycle_stage, e.creation_time, e.last_update_time FROM experiments e";

impl Tracker {
    /// Makes an experiment and answers its id.
    ///
    /// # Errors
    /// [`ResourceAlreadyExists`](crate::ErrorCode::ResourceAlreadyExists) when an experiment, perhaps a deleted one, has
    /// that name.
    pub async fn create_experiment(&self, name: &str, artifact_location: Option<&str>, tags: &[Tag]) -> Result<String> {
        again!(self.database, {
            names::experiment_name(name)?;
            let given = artifact_location.filter(|location| !location.is_empty());
            if let Some(location) = given {
                names::artifact_location(location)?;
            }
            for tag in tags {
                names::experiment_tag(tag)?;
            }
            let mut write = self.database.write().await?;
            let now = now_ms();
            let row = Sql::new("INSERT INTO experiments (name, artifact_location, lifecycle_stage, creation_time, last_update_time) VALUES (")
                .list([name, given.unwrap_or_default()], |sql, text| {
                    sql.bind(text);
                })
                .push(", 'active', ")
                .bind(now)
                .push(", ")
                .bind(now)
                .push(") ON CONFLICT (name) DO NOTHING RETURNING id")
                .fetch_optional(&mut write)
                .await?;
            let Some(row) = row else {
                let mut taken = Sql::new("SELECT lifecycle_stage FROM experiments WHERE name = ");
                let taken = taken.bind(name).fetch_optional(&mut write).await?;
                let deleted = taken.is_some_and(|row| row.text(0).is_ok_and(|stage| stage == "deleted"));
                let message = format!("Experiment(name={name}) already exists.");
                let error = TrackError::new(crate::ErrorCode::ResourceAlreadyExists, message);
                return Err(if deleted { error.with_hint("it was deleted; restore it or rename it") } else { error });
            };
            let id = row.int(0)?;
            if given.is_none() {
                let location = join_location(&self.artifact_root, &id.to_string());
                let mut update = Sql::new("UPDATE experiments SET artifact_location = ");
                update.bind(location).push(" WHERE id = ").bind(id).execute(&mut write).await?;
            }
            for tag in tags {
                put_tag(&mut write, id, tag).await?;
            }
            write.commit().await?;
            Ok(id.to_string())
        })
    }

    /// An experiment, deleted or not.
    ///
    /// # Errors
    /// [`ResourceDoesNotExist`](crate::ErrorCode::ResourceDoesNotExist).
    pub async fn get_experiment(&self, experiment_id: &str) -> Result<Experiment> {
        again!(self.database, {
            let id = names::experiment_id(experiment_id)?;
            let mut read = self.database.read().await?;
            let row = Sql::new(COLUMNS).push(" WHERE e.id = ").bind(id).fetch_optional(&mut read).await?;
            let row = row.ok_or_else(|| TrackError::missing(format!("No Experiment with id={id} exists")))?;
            let mut found = vec![self.experiment(&row)?];
            add_tags(&mut read, &mut found).await?;
            Ok(found.remove(0))
        })
    }

    /// An experiment by name, deleted or not; `None` when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn get_experiment_by_name(&self, name: &str) -> Result<Option<Experiment>> {
        again!(self.database, {
            let mut read = self.database.read().await?;
            let row = Sql::new(COLUMNS).push(" WHERE e.name = ").bind(name).fetch_optional(&mut read).await?;
            let mut found: Vec<_> = row.iter().map(|row| self.experiment(row)).collect::<Result<_>>()?;
            add_tags(&mut read, &mut found).await?;
            Ok(found.pop())
        })
    }

    /// Gives an active experiment another name.
    ///
    /// # Errors
    /// When it does not exist or is deleted, or the name is taken.
    pub async fn rename_experiment(&self, experiment_id: &str, name: &str) -> Result<()> {
        again!(self.database, {
            names::experiment_name(name)?;
            let mut write = self.database.write().await?;
            let (id, stage) = lock_experiment(&mut write, experiment_id, self.database.for_update()).await?;
            if stage != LifecycleStage::Active {
                let message = "Cannot rename a non-active experiment.";
                return Err(TrackError::new(crate::ErrorCode::InvalidState, message).with_hint("restore it first"));
            }
            let taken =
                Sql::new("SELECT id FROM experiments WHERE name = ").bind(name).fetch_optional(&mut write).await?;
            let taken_error = || {
                TrackError::new(
                    crate::ErrorCode::ResourceAlreadyExists,
                    format!("Experiment(name={name}) already exists."),
                )
            };
            if taken.is_some_and(|row| row.int(0).is_ok_and(|other| other != id)) {
                return Err(taken_error());
            }
            let mut update = Sql::new("UPDATE experiments SET name = ");
            update.bind(name).push(", last_update_time = ").bind(now_ms()).push(" WHERE id = ").bind(id);
            update.execute(&mut write).await.map_err(|error| if is_taken(&error) { taken_error() } else { error })?;
            write.commit().await
        })
    }

    /// Deletes an experiment and its runs. They can be restored until garbage is collected.
    ///
    /// # Errors
    /// When no active experiment has that id.
    pub async fn delete_experiment(&self, experiment_id: &str) -> Result<()> {
        self.move_experiment(experiment_id, LifecycleStage::Active, LifecycleStage::Deleted).await
    }

    /// Restores a deleted experiment and its runs.
    ///
    /// # Errors
    /// When no deleted experiment has that id.
    pub async fn restore_experiment(&self, experiment_id: &str) -> Result<()> {
        self.move_experiment(experiment_id, LifecycleStage::Deleted, LifecycleStage::Active).await
    }

    async fn move_experiment(&self, experiment_id: &str, from: LifecycleStage, to: LifecycleStage) -> Result<()> {
        again!(self.database, {
            let mut write = self.database.write().await?;
            let (id, stage) = lock_experiment(&mut write, experiment_id, self.database.for_update()).await?;
            if stage != from {
                return Err(TrackError::missing(format!("No Experiment with id={id} exists"))
                    .with_hint(format!("it is {}", stage.as_str())));
            }
            let now = now_ms();
            let mut update = Sql::new("UPDATE experiments SET lifecycle_stage = ");
            update.bind(to.as_str()).push(", last_update_time = ").bind(now).push(" WHERE id = ").bind(id);
            update.execute(&mut write).await?;
            let deleted = (to == LifecycleStage::Deleted).then_some(now);
            let mut runs = Sql::new("UPDATE runs SET lifecycle_stage = ");
            runs.bind(to.as_str()).push(", deleted_time = ").bind(deleted).push(" WHERE experiment_id = ").bind(id);
            runs.execute(&mut write).await?;
            write.commit().await
        })
    }

    /// Sets a tag of an active experiment.
    ///
    /// # Errors
    /// When the experiment is missing or deleted, or the tag is too long.
    pub async fn set_experiment_tag(&self, experiment_id: &str, tag: &Tag) -> Result<()> {
        again!(self.database, {
            names::experiment_tag(tag)?;
            let mut write = self.database.write().await?;
            let id = active_experiment(&mut write, experiment_id, self.database.for_update()).await?;
            put_tag(&mut write, id, tag).await?;
            write.commit().await
        })
    }

    /// Removes a tag of an active experiment.
    ///
    /// # Errors
    /// When the experiment or the tag is missing, or the experiment is deleted.
    pub async fn delete_experiment_tag(&self, experiment_id: &str, key: &str) -> Result<()> {
        again!(self.database, {
            let mut write = self.database.write().await?;
            let id = active_experiment(&mut write, experiment_id, self.database.for_update()).await?;
            let mut delete = Sql::new("DELETE FROM experiment_tags WHERE experiment_id = ");
            if delete.bind(id).push(" AND key = ").bind(key).execute(&mut write).await? == 0 {
                return Err(TrackError::missing(format!(
                    "No tag with name: {key} in experiment with id {experiment_id}"
                )));
            }
            write.commit().await
        })
    }

    /// An experiment from [`COLUMNS`], still without tags.
    pub(super) fn experiment(&self, row: &Row) -> Result<Experiment> {
        let experiment_id = row.int(0)?.to_string();
        let artifact_location = self.location_or_default(row.text(2)?, &experiment_id);
        Ok(Experiment {
            experiment_id,
            name: row.text(1)?,
            artifact_location,
            lifecycle_stage: LifecycleStage::from_database(&row.text(3)?),
            creation_time: row.int(4)?,
            last_update_time: row.int(5)?,
            tags: Vec::new(),
        })
    }

    /// Experiment 0 is made with the tables, before anybody knows where artifacts lie.
    pub(super) fn location_or_default(&self, location: String, experiment_id: &str) -> String {
        if location.is_empty() { join_location(&self.artifact_root, experiment_id) } else { location }
    }
}

async fn put_tag(write: &mut Connection, id: i64, tag: &Tag) -> Result<()> {
    let mut insert = Sql::new("INSERT INTO experiment_tags (experiment_id, key, value) VALUES (");
    insert.bind(id).push(", ").bind(&*tag.key).push(", ").bind(&*tag.value);
    insert.push(") ON CONFLICT (experiment_id, key) DO UPDATE SET value = excluded.value").execute(write).await?;
    Ok(())
}

/// Keeps an experiment as it is until the transaction ends.
async fn lock_experiment(write: &mut Connection, id: &str, for_update: &'static str) -> Result<(i64, LifecycleStage)> {
    let id = names::experiment_id(id)?;
    let mut select = Sql::new("SELECT lifecycle_stage FROM experiments WHERE id = ");
    let row = select.bind(id).push(for_update).fetch_optional(write).await?;
    let row = row.ok_or_else(|| TrackError::missing(format!("No Experiment with id={id} exists")))?;
    Ok((id, LifecycleStage::from_database(&row.text(0)?)))
}

/// Keeps an experiment as it is, and refuses deleted ones.
pub(super) async fn active_experiment(write: &mut Connection, id: &str, for_update: &'static str) -> Result<i64> {
    let (id, stage) = lock_experiment(write, id, for_update).await?;
    if stage != LifecycleStage::Active {
        let message =
            format!("The experiment {id} must be in the 'active' state. Current state is {}.", stage.as_str());
        return Err(TrackError::invalid(message).with_hint("restore it first"));
    }
    Ok(id)
}

/// Reads the tags of experiments.
pub(super) async fn add_tags(read: &mut Connection, experiments: &mut [Experiment]) -> Result<()> {
    for experiments in experiments.chunks_mut(limits::LIST_VALUES) {
        let ids = experiments.iter().filter_map(|experiment| experiment.experiment_id.parse::<i64>().ok());
        let mut select = Sql::new("SELECT experiment_id, key, value FROM experiment_tags WHERE experiment_id IN ");
        for row in select.values(ids).push(" ORDER BY experiment_id, key").fetch_all(read).await? {
            let id = row.int(0)?.to_string();
            if let Some(experiment) = experiments.iter_mut().find(|experiment| experiment.experiment_id == id) {
                experiment.tags.push(Tag::new(row.text(1)?, row.text(2)?));
            }
        }
    }
    Ok(())
}
