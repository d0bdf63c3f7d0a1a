//! Logged models with all that was said about them, many with a fixed number of statements.

use std::collections::HashMap;

use super::read_runs::number;
use crate::database::Connection;
use crate::limits::LIST_VALUES;
use crate::placed::placed;
use crate::sql::{Row, Sql};
use crate::{LoggedModel, Metric, Param, Result, Tag};

/// A logged model's columns; `l` is the table.
pub(super) const COLUMNS: &str = "SELECT l.id, l.model_uuid, l.experiment_id, l.name, l.artifact_location, l.creation_time, \
     l.last_update_time, l.status, l.status_message, l.model_type, l.source_run_id FROM logged_models l";

/// Logged models from rows of [`COLUMNS`], in the same order.
pub(super) async fn models(read: &mut Connection, rows: &[Row]) -> Result<Vec<LoggedModel>> {
    let mut models = Vec::with_capacity(rows.len());
    for rows in rows.chunks(LIST_VALUES) {
        let mut some = Vec::with_capacity(rows.len());
        let mut places = HashMap::with_capacity(rows.len());
        for row in rows {
            places.insert(row.int(0)?, some.len());
            some.push(model(row)?);
        }
        add_data(read, &mut some, &places).await?;
        models.extend(some);
    }
    Ok(models)
}

fn model(row: &Row) -> Result<LoggedModel> {
    Ok(LoggedModel {
        model_id: row.text(1)?,
        experiment_id: row.int(2)?.to_string(),
        name: row.text(3)?,
        artifact_location: row.text(4)?,
        creation_timestamp: row.int(5)?,
        last_updated_timestamp: row.int(6)?,
        status: row.text(7)?.parse()?,
        status_message: row.text_or_none(8)?,
        model_type: row.text_or_none(9)?,
        source_run_id: row.text_or_none(10)?,
        tags: Vec::new(),
        params: Vec::new(),
        metrics: Vec::new(),
    })
}

async fn add_data(read: &mut Connection, models: &mut [LoggedModel], places: &HashMap<i64, usize>) -> Result<()> {
    let ids = || places.keys().copied();
    let mut select = Sql::new("SELECT model_id, key, value FROM logged_model_params WHERE model_id IN ");
    for row in select.values(ids()).push(" ORDER BY model_id, key").fetch_all(read).await? {
        if let Some(model) = placed(models, places, &row.int(0)?) {
            model.params.push(Param::new(row.text(1)?, row.text(2)?));
        }
    }
    let mut select = Sql::new("SELECT model_id, key, value FROM logged_model_tags WHERE model_id IN ");
    for row in select.values(ids()).push(" ORDER BY model_id, key").fetch_all(read).await? {
        if let Some(model) = placed(models, places, &row.int(0)?) {
            model.tags.push(Tag::new(row.text(1)?, row.text(2)?));
        }
    }
    let mut select = Sql::new(
        "SELECT m.model_id, k.name, m.value, m.timestamp, m.step, m.is_nan, m.run_uuid, m.dataset_name, m.dataset_digest \
         FROM logged_model_metrics m JOIN metric_keys k ON k.id = m.key_id WHERE m.model_id IN ",
    );
    select.values(ids()).push(" ORDER BY m.model_id, k.name, m.step, m.timestamp, m.value");
    for row in select.fetch_all(read).await? {
        if let Some(model) = placed(models, places, &row.int(0)?) {
            let given = |text: String| (!text.is_empty()).then_some(text);
            let mut metric = Metric::new(row.text(1)?, number(row.real(2)?, row.int(5)?), row.int(3)?, row.int(4)?);
            metric.model_id = Some(model.model_id.clone());
            metric.run_id = given(row.text(6)?);
            metric.dataset_name = given(row.text(7)?);
            metric.dataset_digest = given(row.text(8)?);
            model.metrics.push(metric);
        }
    }
    Ok(())
}
