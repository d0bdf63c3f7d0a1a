//! What runs read and made: data sets and models.

use std::collections::HashSet;

use super::Tracker;
use super::logged_models::{model_numbers, no_model};
use super::search_runs::experiment_ids;
use crate::again::again;
use crate::database::Connection;
use crate::sql::Sql;
use crate::{Dataset, DatasetInput, DatasetSummary, ModelInput, ModelOutput, Result, Tag, TrackError, limits, names};

/// Summaries in one answer.
const SUMMARIES: i64 = 1000;

impl Tracker {
    /// Notes what an active run read. The same data set twice is one input.
    ///
    /// # Errors
    /// When the run is missing or deleted, or a data set lacks a field.
    pub async fn log_inputs(&self, run_id: &str, datasets: &[DatasetInput], models: &[ModelInput]) -> Result<()> {
        again!(self.database, {
            names::run_id(run_id)?;
            if datasets.len() > limits::DATASETS_PER_BATCH || models.len() > limits::DATASETS_PER_BATCH {
                let limit = limits::DATASETS_PER_BATCH;
                return Err(TrackError::invalid(format!("at most {limit} inputs can be logged at once")));
            }
            for input in datasets {
                names::dataset_input(input)?;
            }
            let mut write = self.database.write().await?;
            let run = self.active_run(&mut write, run_id).await?;
            let mut seen = HashSet::new();
            for input in datasets {
                if seen.insert((&*input.dataset.name, &*input.dataset.digest)) {
                    let dataset = put_dataset(&mut write, run.experiment_id, &input.dataset).await?;
                    put_input(&mut write, run.id, dataset, &input.tags).await?;
                }
            }
            check_models(&mut write, models.iter().map(|model| &*model.model_id)).await?;
            for model in models {
                let mut insert = Sql::new("INSERT INTO model_inputs (run_id, model_uuid) VALUES (");
                insert
                    .bind(run.id)
                    .push(", ")
                    .bind(&*model.model_id)
                    .push(") ON CONFLICT DO NOTHING")
                    .execute(&mut write)
                    .await?;
            }
            write.commit().await
        })
    }

    /// Notes which models an active run made.
    ///
    /// # Errors
    /// When the run is missing or deleted.
    pub async fn log_outputs(&self, run_id: &str, models: &[ModelOutput]) -> Result<()> {
        again!(self.database, {
            let mut write = self.database.write().await?;
            let run = self.active_run(&mut write, run_id).await?;
            check_models(&mut write, models.iter().map(|model| &*model.model_id)).await?;
            for model in models {
                let mut insert = Sql::new("INSERT INTO model_outputs (run_id, model_uuid, step) VALUES (");
                insert.bind(run.id).push(", ").bind(&*model.model_id).push(", ").bind(model.step);
                insert
                    .push(") ON CONFLICT (run_id, model_uuid) DO UPDATE SET step = excluded.step")
                    .execute(&mut write)
                    .await?;
            }
            write.commit().await
        })
    }

    /// The data sets that runs of some experiments read, at most 1,000.
    ///
    /// # Errors
    /// When an id is no number.
    pub async fn search_datasets(&self, experiment_ids: &[String]) -> Result<Vec<DatasetSummary>> {
        again!(self.database, {
            let ids = self::experiment_ids(experiment_ids)?;
            if ids.is_empty() {
                return Ok(Vec::new());
            }
            let mut select = Sql::new(
                "SELECT DISTINCT d.experiment_id, d.name, d.digest, t.value FROM datasets d \
                 JOIN dataset_inputs i ON i.dataset_id = d.id \
                 LEFT JOIN dataset_input_tags t ON t.input_id = i.id AND t.key = 'mlflow.data.context' \
                 WHERE d.experiment_id IN ",
            );
            select.values(ids).push(" ORDER BY d.experiment_id, d.name, d.digest, t.value LIMIT ").bind(SUMMARIES);
            let rows = select.fetch_all(&mut *self.database.read().await?).await?;
            rows.iter()
                .map(|row| {
                    let (name, digest, context) = (row.text(1)?, row.text(2)?, row.text_or_none(3)?);
                    Ok(DatasetSummary { experiment_id: row.int(0)?.to_string(), name, digest, context })
                })
                .collect()
        })
    }
}

/// A data set's number in an experiment. What the first run said about it stays.
async fn put_dataset(write: &mut Connection, experiment: i64, dataset: &Dataset) -> Result<i64> {
    let mut insert = Sql::new(
        "INSERT INTO datasets (experiment_id, name, digest, source_type, source, schema_json, profile) VALUES (",
    );
    insert.bind(experiment);
    for text in [&dataset.name, &dataset.digest, &dataset.source_type, &dataset.source] {
        insert.push(", ").bind(&**text);
    }
    for text in [&dataset.schema, &dataset.profile] {
        insert.push(", ").bind(text.as_deref());
    }
    insert.push(") ON CONFLICT (experiment_id, name, digest) DO NOTHING").execute(write).await?;
    let mut select = Sql::new("SELECT id FROM datasets WHERE experiment_id = ");
    select.bind(experiment).push(" AND name = ").bind(&*dataset.name).push(" AND digest = ").bind(&*dataset.digest);
    let row = select.fetch_optional(write).await?;
    row.ok_or_else(|| TrackError::internal("a data set that was just written is missing"))?.int(0)
}

/// Notes that a run read a data set; if that was noted before, its tags stay.
async fn put_input(write: &mut Connection, run: i64, dataset: i64, tags: &[Tag]) -> Result<()> {
    let mut insert = Sql::new("INSERT INTO dataset_inputs (run_id, dataset_id) VALUES (");
    insert.bind(run).push(", ").bind(dataset).push(") ON CONFLICT (run_id, dataset_id) DO NOTHING RETURNING id");
    let Some(row) = insert.fetch_optional(write).await? else { return Ok(()) };
    let input = row.int(0)?;
    for tag in tags {
        let mut insert = Sql::new("INSERT INTO dataset_input_tags (input_id, key, value) VALUES (");
        insert.bind(input).push(", ").bind(&*tag.key).push(", ").bind(&*tag.value);
        insert.push(") ON CONFLICT (input_id, key) DO UPDATE SET value = excluded.value").execute(write).await?;
    }
    Ok(())
}

async fn check_models<'a>(connection: &mut Connection, ids: impl Iterator<Item = &'a str> + Clone) -> Result<()> {
    let known = model_numbers(connection, ids.clone()).await?;
    let missing = ids.into_iter().find(|id| !known.contains_key(*id));
    missing.map_or(Ok(()), |id| Err(no_model(id)))
}
