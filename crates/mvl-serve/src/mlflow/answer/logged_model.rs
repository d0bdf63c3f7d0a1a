//! A logged model.

use mvl_track::{LoggedModel, Param, Tag};
use serde::Serialize;

use super::MetricJson;

/// A logged model.
#[derive(Serialize)]
pub(crate) struct LoggedModelJson<'a> {
    info: InfoJson<'a>,
    data: DataJson<'a>,
}

#[derive(Serialize)]
struct InfoJson<'a> {
    model_id: &'a str,
    experiment_id: &'a str,
    name: &'a str,
    creation_timestamp_ms: i64,
    last_updated_timestamp_ms: i64,
    artifact_uri: &'a str,
    status: &'static str,
    model_type: &'a str,
    source_run_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_message: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [Tag],
}

#[derive(Serialize)]
struct DataJson<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    params: &'a [Param],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metrics: Vec<MetricJson<'a>>,
}

impl<'a> From<&'a LoggedModel> for LoggedModelJson<'a> {
    fn from(model: &'a LoggedModel) -> Self {
        Self {
            info: InfoJson {
                model_id: &model.model_id,
                experiment_id: &model.experiment_id,
                name: &model.name,
                creation_timestamp_ms: model.creation_timestamp,
                last_updated_timestamp_ms: model.last_updated_timestamp,
                artifact_uri: &model.artifact_location,
                status: model.status.wire_name(),
                model_type: model.model_type.as_deref().unwrap_or_default(),
                source_run_id: model.source_run_id.as_deref().unwrap_or_default(),
                status_message: model.status_message.as_deref(),
                tags: &model.tags,
            },
            data: DataJson { params: &model.params, metrics: model.metrics.iter().map(MetricJson::whole).collect() },
        }
    }
}
