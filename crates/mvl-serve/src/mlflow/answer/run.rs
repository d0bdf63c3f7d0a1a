//! A run.

use mvl_track::{DatasetInput, Param, Run, RunData, RunInfo, RunInputs, RunOutputs, Tag};
use serde::Serialize;

use super::MetricJson;

/// A run with all that was logged.
#[derive(Serialize)]
pub(crate) struct RunJson<'a> {
    info: RunInfoJson<'a>,
    data: DataJson<'a>,
    inputs: InputsJson<'a>,
    outputs: OutputsJson<'a>,
}

/// What a run is called and how it went.
#[derive(Serialize)]
pub(crate) struct RunInfoJson<'a> {
    run_uuid: &'a str,
    experiment_id: &'a str,
    run_name: &'a str,
    user_id: &'a str,
    status: &'static str,
    start_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<i64>,
    artifact_uri: &'a str,
    lifecycle_stage: &'static str,
    run_id: &'a str,
}

#[derive(Serialize)]
struct DataJson<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metrics: Vec<MetricJson<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    params: &'a [Param],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [Tag],
}

#[derive(Serialize)]
struct InputsJson<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dataset_inputs: Vec<DatasetInputJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    model_inputs: Vec<ModelJson<'a>>,
}

#[derive(Serialize)]
struct OutputsJson<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    model_outputs: Vec<ModelJson<'a>>,
}

#[derive(Serialize)]
struct ModelJson<'a> {
    model_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<i64>,
}

#[derive(Serialize)]
struct DatasetInputJson<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [Tag],
    dataset: DatasetJson<'a>,
}

#[derive(Serialize)]
struct DatasetJson<'a> {
    name: &'a str,
    digest: &'a str,
    source_type: &'a str,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
}

impl<'a> From<&'a Run> for RunJson<'a> {
    fn from(run: &'a Run) -> Self {
        let Run { info, data: RunData { metrics, params, tags }, inputs, outputs } = run;
        let RunInputs { datasets, models } = inputs;
        let RunOutputs { models: made } = outputs;
        let read = models.iter().map(|model| ModelJson { model_id: &model.model_id, step: None });
        let made = made.iter().map(|model| ModelJson { model_id: &model.model_id, step: Some(model.step) });
        Self {
            info: info.into(),
            data: DataJson { metrics: metrics.iter().map(MetricJson::point).collect(), params, tags },
            inputs: InputsJson {
                dataset_inputs: datasets.iter().map(Into::into).collect(),
                model_inputs: read.collect(),
            },
            outputs: OutputsJson { model_outputs: made.collect() },
        }
    }
}

impl<'a> From<&'a RunInfo> for RunInfoJson<'a> {
    fn from(info: &'a RunInfo) -> Self {
        Self {
            run_uuid: &info.run_id,
            experiment_id: &info.experiment_id,
            run_name: &info.run_name,
            user_id: &info.user_id,
            status: info.status.as_str(),
            start_time: info.start_time.unwrap_or_default(),
            end_time: info.end_time,
            artifact_uri: &info.artifact_uri,
            lifecycle_stage: info.lifecycle_stage.as_str(),
            run_id: &info.run_id,
        }
    }
}

impl<'a> From<&'a DatasetInput> for DatasetInputJson<'a> {
    fn from(input: &'a DatasetInput) -> Self {
        let dataset = &input.dataset;
        Self {
            tags: &input.tags,
            dataset: DatasetJson {
                name: &dataset.name,
                digest: &dataset.digest,
                source_type: &dataset.source_type,
                source: &dataset.source,
                schema: dataset.schema.as_deref(),
                profile: dataset.profile.as_deref(),
            },
        }
    }
}
