//! Runs: start, read, end, delete, restore.

use super::experiments::active_experiment;
use super::read_runs::run_by_uuid;
use super::tags::put_tags;
use super::{Tracker, join_location};
use crate::again::again;
use crate::clock::{new_id, now_ms};
use crate::database::Connection;
use crate::run_names::random_name;
use crate::sql::Sql;
use crate::{LifecycleStage, Result, Run, RunInfo, RunStatus, Tag, TrackError, limits, names};

/// The tag that holds a run's name.
pub(super) const RUN_NAME_TAG: &str = "mlflow.runName";

/// A run to start.
#[derive(Debug, Clone, Default)]
pub struct NewRun {
    /// The experiment's id.
    pub experiment_id: String,
    /// Who starts it.
    pub user_id: String,
    /// A name for people; one is made up when it is `None` and no tag `mlflow.runName` is given.
    pub run_name: Option<String>,
    /// When it began; now when it is `None`.
    pub start_time: Option<i64>,
    /// Notes. `mlflow.parentRunId` makes it a nested run.
    pub tags: Vec<Tag>,
}

impl NewRun {
    /// A run of an experiment that begins now.
    pub fn of(experiment_id: &str) -> Self {
        Self { experiment_id: experiment_id.to_owned(), ..Self::default() }
    }

    /// Gives it a name.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.run_name = Some(name.into());
        self
    }

    /// Puts it below another run.
    pub fn below(mut self, parent_run_id: &str) -> Self {
        self.tags.push(Tag::new("mlflow.parentRunId", parent_run_id));
        self
    }

    /// Adds a tag.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push(Tag::new(key, value));
        self
    }
}

/// What changes about a run. `None` leaves things as they are.
#[derive(Debug, Clone, Default)]
pub struct RunUpdate {
    /// How it goes.
    pub status: Option<RunStatus>,
    /// When it ended.
    pub end_time: Option<i64>,
    /// Its name.
    pub run_name: Option<String>,
}

/// A run that a transaction keeps as it is.
pub(super) struct LockedRun {
    pub(super) id: i64,
    pub(super) experiment_id: i64,
    pub(super) stage: LifecycleStage,
}

impl Tracker {
    /// Starts a run.
    ///
    /// # Errors
    /// When the experiment is missing or deleted, or a tag is too long.
    pub async fn create_run(&self, new: NewRun) -> Result<Run> {
        again!(self.database, {
            let mut tags = new.tags.clone();
            let tagged = tags.iter().rfind(|tag| tag.key == RUN_NAME_TAG).map(|tag| tag.value.clone());
            let given = new.run_name.clone().filter(|name| !name.is_empty());
            if let (Some(name), Some(tagged)) = (&given, &tagged)
                && name != tagged
            {
                return Err(TrackError::invalid(format!(
                    "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values \
                     (run_name='{name}', mlflow.runName='{tagged}')."
                )));
            }
            let name = match given.or(tagged.clone()) {
                Some(name) => name,
                None => random_name()?,
            };
            names::text("run_name", &name, limits::TAG_VALUE_LENGTH)?;
            names::text("user_id", &new.user_id, limits::MODEL_NAME_LENGTH)?;
            if tagged.is_none() {
                tags.push(Tag::new(RUN_NAME_TAG, &*name));
            }
            let run_id = new_id()?;
            let start_time = new.start_time.unwrap_or_else(now_ms);

            let mut write = self.database.write().await?;
            let experiment_id = active_experiment(&mut write, &new.experiment_id, self.database.for_share()).await?;
            let row = Sql::new("SELECT artifact_location FROM experiments WHERE id = ")
                .bind(experiment_id)
                .fetch_optional(&mut write)
                .await?;
            let location = row.map(|row| row.text(0)).transpose()?.unwrap_or_default();
            let location = self.location_or_default(location, &experiment_id.to_string());
            let artifact_uri = join_location(&location, &format!("{run_id}/artifacts"));
            let id = Sql::new("INSERT INTO runs (run_uuid, experiment_id, name, user_id, status, start_time, artifact_uri, lifecycle_stage) VALUES (")
                .bind(&*run_id).push(", ")
                .bind(experiment_id).push(", ")
                .bind(&*name).push(", ")
                .bind(&*new.user_id).push(", ")
                .bind(RunStatus::Running.as_str()).push(", ")
                .bind(start_time).push(", ")
                .bind(artifact_uri).push(", 'active') RETURNING id")
                .fetch_optional(&mut write)
                .await?
                .ok_or_else(|| TrackError::internal("the database gave a new run no number"))?
                .int(0)?;
            put_tags(&mut write, id, &tags).await?;
            let run = run_by_uuid(&mut write, &run_id).await?;
            write.commit().await?;
            Ok(run)
        })
    }

    /// A run, deleted or not, with all that was logged.
    ///
    /// # Errors
    /// [`ResourceDoesNotExist`](crate::ErrorCode::ResourceDoesNotExist).
    pub async fn get_run(&self, run_id: &str) -> Result<Run> {
        again!(self.database, { run_by_uuid(&mut *self.database.read().await?, run_id).await })
    }

    /// Changes how an active run goes, when it ended, and its name.
    ///
    /// # Errors
    /// When it is missing or deleted.
    pub async fn update_run(&self, run_id: &str, update: &RunUpdate) -> Result<RunInfo> {
        again!(self.database, {
            let mut write = self.database.write().await?;
            let run = self.active_run(&mut write, run_id).await?;
            if let Some(status) = update.status {
                let mut set = Sql::new("UPDATE runs SET status = ");
                set.bind(status.as_str()).push(" WHERE id = ").bind(run.id).execute(&mut write).await?;
            }
            if let Some(end_time) = update.end_time {
                let mut set = Sql::new("UPDATE runs SET end_time = ");
                set.bind(end_time).push(" WHERE id = ").bind(run.id).execute(&mut write).await?;
            }
            if let Some(name) = update.run_name.as_deref().filter(|name| !name.is_empty()) {
                put_tags(&mut write, run.id, &[Tag::new(RUN_NAME_TAG, name)]).await?;
            }
            let run = run_by_uuid(&mut write, run_id).await?;
            write.commit().await?;
            Ok(run.info)
        })
    }

    /// Deletes a run. It can be restored until garbage is collected.
    ///
    /// # Errors
    /// When it is missing.
    pub async fn delete_run(&self, run_id: &str) -> Result<()> {
        self.move_run(run_id, LifecycleStage::Deleted).await
    }

    /// Restores a run.
    ///
    /// # Errors
    /// When it is missing.
    pub async fn restore_run(&self, run_id: &str) -> Result<()> {
        self.move_run(run_id, LifecycleStage::Active).await
    }

    async fn move_run(&self, run_id: &str, to: LifecycleStage) -> Result<()> {
        again!(self.database, {
            let mut write = self.database.write().await?;
            let run = self.lock_run(&mut write, run_id).await?;
            let deleted = (to == LifecycleStage::Deleted).then(now_ms);
            let mut update = Sql::new("UPDATE runs SET lifecycle_stage = ");
            update.bind(to.as_str()).push(", deleted_time = ").bind(deleted).push(" WHERE id = ").bind(run.id);
            update.execute(&mut write).await?;
            write.commit().await
        })
    }

    /// Keeps a run as it is until the transaction ends, so that writers about one run take turns.
    pub(super) async fn lock_run(&self, write: &mut Connection, run_id: &str) -> Result<LockedRun> {
        let mut select = Sql::new("SELECT id, experiment_id, lifecycle_stage FROM runs WHERE run_uuid = ");
        let row = select.bind(run_id).push(self.database.for_update()).fetch_optional(write).await?;
        let row = row.ok_or_else(|| no_run(run_id))?;
        Ok(LockedRun {
            id: row.int(0)?,
            experiment_id: row.int(1)?,
            stage: LifecycleStage::from_database(&row.text(2)?),
        })
    }

    /// [`lock_run`](Self::lock_run), and refuses deleted ones.
    pub(super) async fn active_run(&self, write: &mut Connection, run_id: &str) -> Result<LockedRun> {
        let run = self.lock_run(write, run_id).await?;
        if run.stage != LifecycleStage::Active {
            let message =
                format!("The run {run_id} must be in the 'active' state. Current state is {}.", run.stage.as_str());
            return Err(TrackError::invalid(message).with_hint("restore it first"));
        }
        Ok(run)
    }
}

pub(super) fn no_run(run_id: &str) -> TrackError {
    TrackError::missing(format!("Run with id={run_id} not found"))
}
