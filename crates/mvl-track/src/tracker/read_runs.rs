//! Runs with all that was logged, many with a fixed number of statements.

use std::collections::HashMap;

use super::runs::no_run;
use crate::database::Connection;
use crate::limits::LIST_VALUES;
use crate::placed::placed;
use crate::sql::{Row, Sql};
use crate::{
    Dataset, DatasetInput, LifecycleStage, Metric, ModelInput, ModelOutput, Param, Result, Run, RunData, RunInfo, Tag,
};

/// A run's columns; `r` is the table of runs.
pub(super) const COLUMNS: &str = "SELECT r.id, r.run_uuid, r.experiment_id, r.name, r.user_id, r.status, r.start_time, \
     r.end_time, r.artifact_uri, r.lifecycle_stage FROM runs r";

/// One run.
pub(super) async fn run_by_uuid(read: &mut Connection, run_id: &str) -> Result<Run> {
    let row = Sql::new(COLUMNS).push(" WHERE r.run_uuid = ").bind(run_id).fetch_optional(read).await?;
    let row = row.ok_or_else(|| no_run(run_id))?;
    runs(read, &[row]).await?.pop().ok_or_else(|| no_run(run_id))
}

/// Runs from rows of [`COLUMNS`], in the same order.
pub(super) async fn runs(read: &mut Connection, rows: &[Row]) -> Result<Vec<Run>> {
    let mut runs = Vec::with_capacity(rows.len());
    for rows in rows.chunks(LIST_VALUES) {
        let mut some = Vec::with_capacity(rows.len());
        let mut places = HashMap::with_capacity(rows.len());
        for row in rows {
            places.insert(row.int(0)?, some.len());
            let data = RunData::default();
            some.push(Run { info: info(row)?, data, inputs: Default::default(), outputs: Default::default() });
        }
        add_data(read, &mut some, &places).await?;
        add_inputs(read, &mut some, &places).await?;
        runs.extend(some);
    }
    Ok(runs)
}

fn info(row: &Row) -> Result<RunInfo> {
    Ok(RunInfo {
        run_id: row.text(1)?,
        experiment_id: row.int(2)?.to_string(),
        run_name: row.text(3)?,
        user_id: row.text(4)?,
        status: row.text(5)?.parse()?,
        start_time: row.int_or_none(6)?,
        end_time: row.int_or_none(7)?,
        artifact_uri: row.text(8)?,
        lifecycle_stage: LifecycleStage::from_database(&row.text(9)?),
    })
}

/// Where each run stands among the runs, by its number in the database.
type Places = HashMap<i64, usize>;

async fn add_data(read: &mut Connection, runs: &mut [Run], places: &Places) -> Result<()> {
    let ids = || places.keys().copied();
    let mut select = Sql::new(
        "SELECT m.run_id, k.name, m.value, m.timestamp, m.step, m.is_nan FROM latest_metrics m \
         JOIN metric_keys k ON k.id = m.key_id WHERE m.run_id IN ",
    );
    for row in select.values(ids()).push(" ORDER BY m.run_id, k.name").fetch_all(read).await? {
        if let Some(run) = placed(runs, places, &row.int(0)?) {
            let mut metric = Metric::new(row.text(1)?, number(row.real(2)?, row.int(5)?), row.int(3)?, row.int(4)?);
            metric.run_id = Some(run.info.run_id.clone());
            run.data.metrics.push(metric);
        }
    }
    let mut select = Sql::new("SELECT run_id, key, value FROM params WHERE run_id IN ");
    for row in select.values(ids()).push(" ORDER BY run_id, key").fetch_all(read).await? {
        if let Some(run) = placed(runs, places, &row.int(0)?) {
            run.data.params.push(Param::new(row.text(1)?, row.text(2)?));
        }
    }
    let mut select = Sql::new("SELECT run_id, key, value FROM run_tags WHERE run_id IN ");
    for row in select.values(ids()).push(" ORDER BY run_id, key").fetch_all(read).await? {
        if let Some(run) = placed(runs, places, &row.int(0)?) {
            run.data.tags.push(Tag::new(row.text(1)?, row.text(2)?));
        }
    }
    Ok(())
}

async fn add_inputs(read: &mut Connection, runs: &mut [Run], places: &Places) -> Result<()> {
    let ids = || places.keys().copied();
    let mut select = Sql::new(
        "SELECT i.run_id, i.id, d.name, d.digest, d.source_type, d.source, d.schema_json, d.profile, t.key, t.value \
         FROM dataset_inputs i JOIN datasets d ON d.id = i.dataset_id \
         LEFT JOIN dataset_input_tags t ON t.input_id = i.id WHERE i.run_id IN ",
    );
    let mut input = None;
    for row in select.values(ids()).push(" ORDER BY i.id, t.key").fetch_all(read).await? {
        let Some(run) = placed(runs, places, &row.int(0)?) else { continue };
        let id = row.int(1)?;
        if input.replace(id) != Some(id) {
            let dataset = Dataset {
                name: row.text(2)?,
                digest: row.text(3)?,
                source_type: row.text(4)?,
                source: row.text(5)?,
                schema: row.text_or_none(6)?,
                profile: row.text_or_none(7)?,
            };
            run.inputs.datasets.push(DatasetInput { dataset, tags: Vec::new() });
        }
        if let (Some(key), Some(input)) = (row.text_or_none(8)?, run.inputs.datasets.last_mut()) {
            input.tags.push(Tag::new(key, row.text(9)?));
        }
    }
    let mut select = Sql::new("SELECT run_id, model_uuid FROM model_inputs WHERE run_id IN ");
    for row in select.values(ids()).push(" ORDER BY run_id, model_uuid").fetch_all(read).await? {
        if let Some(run) = placed(runs, places, &row.int(0)?) {
            run.inputs.models.push(ModelInput { model_id: row.text(1)? });
        }
    }
    let mut select = Sql::new("SELECT run_id, model_uuid, step FROM model_outputs WHERE run_id IN ");
    for row in select.values(ids()).push(" ORDER BY run_id, step, model_uuid").fetch_all(read).await? {
        if let Some(run) = placed(runs, places, &row.int(0)?) {
            run.outputs.models.push(ModelOutput { model_id: row.text(1)?, step: row.int(2)? });
        }
    }
    Ok(())
}

/// A number as it was logged: NaN lies as 0 with a flag.
pub(super) fn number(value: f64, is_nan: i64) -> f64 {
    if is_nan == 0 { value } else { f64::NAN }
}
