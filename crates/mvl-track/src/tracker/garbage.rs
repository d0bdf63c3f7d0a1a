//! Removes what was deleted.

use std::time::Duration;

use super::Tracker;
use crate::Result;
use crate::again::again;
use crate::clock::now_ms;
use crate::database::Connection;
use crate::sql::{Row, Sql};

/// What was removed for good.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collected {
    /// Ids of runs.
    pub runs: Vec<String>,
    /// Ids of logged models.
    pub logged_models: Vec<String>,
    /// Ids of experiments.
    pub experiments: Vec<String>,
    /// Rows of artifacts; their content is removed by the blobs' own garbage collection.
    pub artifacts: u64,
}

impl Tracker {
    /// Removes for good the runs, logged models and experiments that were deleted longer ago than `older_than`.
    ///
    /// # Errors
    /// When the database fails. Each run, model and experiment is removed whole or not at all.
    pub async fn collect_garbage(&self, older_than: Duration) -> Result<Collected> {
        let age = i64::try_from(older_than.as_millis()).unwrap_or(i64::MAX);
        let before = now_ms().saturating_sub(age);
        let mut collected = Collected::default();

        let runs = "SELECT id, run_uuid FROM runs WHERE lifecycle_stage = 'deleted' AND deleted_time <= ";
        for row in self.listed(runs, before).await? {
            let (id, run_id) = (row.int(0)?, row.text(1)?);
            if let Some(artifacts) = self.remove_run(id, &run_id, before).await? {
                collected.artifacts += artifacts;
                collected.runs.push(run_id);
            }
        }
        let models =
            "SELECT id, model_uuid FROM logged_models WHERE lifecycle_stage = 'deleted' AND last_update_time <= ";
        for row in self.listed(models, before).await? {
            let (id, model_id) = (row.int(0)?, row.text(1)?);
            if let Some(artifacts) = self.remove_model(id, &model_id, before).await? {
                collected.artifacts += artifacts;
                collected.logged_models.push(model_id);
            }
        }
        let experiments = "SELECT id FROM experiments WHERE lifecycle_stage = 'deleted' AND last_update_time <= ";
        for row in self.listed(experiments, before).await? {
            self.remove_experiment(row.int(0)?, before, &mut collected).await?;
        }
        Ok(collected)
    }

    async fn listed(&self, select: &'static str, before: i64) -> Result<Vec<Row>> {
        again!(self.database, { Sql::new(select).bind(before).fetch_all(&mut *self.database.read().await?).await })
    }

    /// Removes a run unless it was restored meanwhile.
    async fn remove_run(&self, id: i64, run_id: &str, before: i64) -> Result<Option<u64>> {
        again!(self.database, {
            let mut write = self.database.write().await?;
            let mut select = Sql::new("SELECT id FROM runs WHERE lifecycle_stage = 'deleted' AND id = ");
            select.bind(id).push(" AND deleted_time <= ").bind(before).push(self.database.for_update());
            if select.fetch_optional(&mut write).await?.is_none() {
                return Ok(None);
            }
            for delete in ["DELETE FROM metrics WHERE run_id = ", "DELETE FROM latest_metrics WHERE run_id = "] {
                Sql::new(delete).bind(id).execute(&mut write).await?;
            }
            Sql::new("DELETE FROM runs WHERE id = ").bind(id).execute(&mut write).await?;
            let artifacts = remove_artifacts(&mut write, "run", run_id).await?;
            write.commit().await?;
            Ok(Some(artifacts))
        })
    }

    async fn remove_model(&self, id: i64, model_id: &str, before: i64) -> Result<Option<u64>> {
        again!(self.database, {
            let mut write = self.database.write().await?;
            let mut delete = Sql::new("DELETE FROM logged_models WHERE lifecycle_stage = 'deleted' AND id = ");
            if delete.bind(id).push(" AND last_update_time <= ").bind(before).execute(&mut write).await? == 0 {
                return Ok(None);
            }
            let artifacts = remove_artifacts(&mut write, "model", model_id).await?;
            write.commit().await?;
            Ok(Some(artifacts))
        })
    }

    /// Removes an experiment that holds no runs any more.
    async fn remove_experiment(&self, id: i64, before: i64, collected: &mut Collected) -> Result<()> {
        again!(self.database, {
            let mut write = self.database.write().await?;
            let mut select = Sql::new("SELECT id FROM experiments WHERE lifecycle_stage = 'deleted' AND id = ");
            select.bind(id).push(" AND last_update_time <= ").bind(before).push(self.database.for_update());
            if select.fetch_optional(&mut write).await?.is_none() {
                return Ok(());
            }
            let mut held = Sql::new("SELECT 1 FROM runs WHERE experiment_id = ");
            if held.bind(id).push(" LIMIT 1").fetch_optional(&mut write).await?.is_some() {
                return Ok(());
            }
            // Its logged models go with it, also those that were not deleted one by one.
            let mut models = Sql::new("SELECT model_uuid FROM logged_models WHERE experiment_id = ");
            let (mut removed, mut artifacts) = (Vec::new(), 0);
            for row in models.bind(id).fetch_all(&mut write).await? {
                let model_id = row.text(0)?;
                artifacts += remove_artifacts(&mut write, "model", &model_id).await?;
                removed.push(model_id);
            }
            Sql::new("DELETE FROM logged_models WHERE experiment_id = ").bind(id).execute(&mut write).await?;
            Sql::new("DELETE FROM experiments WHERE id = ").bind(id).execute(&mut write).await?;
            write.commit().await?;
            collected.artifacts += artifacts;
            collected.logged_models.extend(removed);
            collected.experiments.push(id.to_string());
            Ok(())
        })
    }
}

async fn remove_artifacts(write: &mut Connection, kind: &'static str, owner: &str) -> Result<u64> {
    let mut delete = Sql::new("DELETE FROM artifacts WHERE owner_kind = ");
    delete.bind(kind).push(" AND owner = ").bind(owner).execute(write).await
}
