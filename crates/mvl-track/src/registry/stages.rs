//! Stages, for older clients.

use super::Registry;
use super::read::{model_by_name, touch, version_by_number};
use crate::again::again;
use crate::clock::now_ms;
use crate::sql::Sql;
use crate::{ModelVersion, Result, Stage, TrackError, names};

impl Registry {
    /// Moves a version to a stage; with `archive_existing`, those that stand in it move to [`Stage::Archived`].
    ///
    /// # Errors
    /// When it is missing, or `archive_existing` is asked for another stage than staging and production.
    pub async fn transition_stage(
        &self,
        name: &str,
        version: u64,
        stage: Stage,
        archive_existing: bool,
    ) -> Result<ModelVersion> {
        again!(self.database, {
            if archive_existing && !matches!(stage, Stage::Staging | Stage::Production) {
                return Err(TrackError::invalid(format!(
                    "Model version transition cannot archive existing model versions because '{}' is not an Active stage. Valid \
                     stages are Staging, Production",
                    stage.as_str()
                )));
            }
            let mut write = self.database.write().await?;
            let (model, number) = self.lock_version(&mut write, name, version).await?;
            let now = now_ms();
            if archive_existing {
                let mut archive = Sql::new("UPDATE model_versions SET stage = ");
                archive
                    .bind(Stage::Archived.as_str())
                    .push(", last_update_time = ")
                    .bind(now)
                    .push(" WHERE model_id = ");
                archive.bind(model).push(" AND version <> ").bind(number).push(" AND stage = ").bind(stage.as_str());
                archive.execute(&mut write).await?;
            }
            let mut update = Sql::new("UPDATE model_versions SET stage = ");
            update.bind(stage.as_str()).push(", last_update_time = ").bind(now).push(" WHERE model_id = ").bind(model);
            update.push(" AND version = ").bind(number).execute(&mut write).await?;
            touch(&mut write, model, now).await?;
            let moved = version_by_number(&mut write, name, version).await?;
            write.commit().await?;
            Ok(moved)
        })
    }

    /// The newest version of each of some stages (of all, when none is named).
    ///
    /// # Errors
    /// When the model is missing.
    pub async fn latest_versions(&self, name: &str, stages: &[Stage]) -> Result<Vec<ModelVersion>> {
        again!(self.database, {
            names::model_name(name)?;
            let model = model_by_name(&mut *self.database.read().await?, name).await?;
            let wanted = |version: &ModelVersion| stages.is_empty() || stages.contains(&version.current_stage);
            Ok(model.latest_versions.into_iter().filter(wanted).collect())
        })
    }
}
