//! MLflow's GraphQL types, as far as its UI asks: names, and what stands for what is absent.

use serde_json::{Map, Value, json};

use super::selection::Selection;

/// A type and its fields: the name in GraphQL, the name in JSON, and what it holds.
pub(super) struct Shape {
    name: &'static str,
    fields: &'static [(&'static str, &'static str, Kind)],
}

#[derive(Clone, Copy)]
enum Kind {
    /// Text, empty where there is none.
    Text,
    /// A whole number, written as text; 0 where there is none.
    Whole,
    /// Any number; null for NaN.
    Number,
    One(&'static Shape),
    Many(&'static Shape),
}

use Kind::{Many, Number, One, Text, Whole};

macro_rules! shape {
    ($shape:ident, $name:literal, $($field:literal $json:literal $kind:expr),* $(,)?) => {
        pub(super) static $shape: Shape = Shape { name: $name, fields: &[$(($field, $json, $kind)),*] };
    };
}

shape!(ERROR, "ApiError", "code" "code" Text, "message" "message" Text, "helpUrl" "help_url" Text);
shape!(RUN, "MlflowGetRunResponse", "run" "run" One(&ONE_RUN), "apiError" "api_error" One(&ERROR));
shape!(SEARCH, "MlflowSearchRunsResponse",
    "runs" "runs" Many(&ONE_RUN), "nextPageToken" "next_page_token" Text, "apiError" "api_error" One(&ERROR));
shape!(EXPERIMENT, "MlflowGetExperimentResponse",
    "experiment" "experiment" One(&ONE_EXPERIMENT), "apiError" "api_error" One(&ERROR));
shape!(INTERVAL, "MlflowGetMetricHistoryBulkIntervalResponse",
    "metrics" "metrics" Many(&POINT), "apiError" "api_error" One(&ERROR));
shape!(POINT, "MlflowMetricWithRunId",
    "key" "key" Text, "value" "value" Number, "timestamp" "timestamp" Whole, "step" "step" Whole, "runId" "run_id" Text);
shape!(ONE_RUN, "MlflowRunExtension",
    "info" "info" One(&INFO), "data" "data" One(&DATA), "inputs" "inputs" One(&INPUTS), "outputs" "outputs" One(&OUTPUTS),
    "experiment" "experiment" One(&ONE_EXPERIMENT), "modelVersions" "model_versions" Many(&VERSION));
shape!(INFO, "MlflowRunInfo",
    "runId" "run_id" Text, "runUuid" "run_uuid" Text, "runName" "run_name" Text, "experimentId" "experiment_id" Text,
    "userId" "user_id" Text, "status" "status" Text, "startTime" "start_time" Whole, "endTime" "end_time" Whole,
    "artifactUri" "artifact_uri" Text, "lifecycleStage" "lifecycle_stage" Text);
shape!(DATA, "MlflowRunData",
    "metrics" "metrics" Many(&METRIC), "params" "params" Many(&PARAM), "tags" "tags" Many(&RUN_TAG));
shape!(METRIC, "MlflowMetricExtension",
    "key" "key" Text, "value" "value" Number, "timestamp" "timestamp" Whole, "step" "step" Whole);
shape!(PARAM, "MlflowParam", "key" "key" Text, "value" "value" Text);
shape!(RUN_TAG, "MlflowRunTag", "key" "key" Text, "value" "value" Text);
shape!(INPUTS, "MlflowRunInputs",
    "datasetInputs" "dataset_inputs" Many(&DATASET_INPUT), "modelInputs" "model_inputs" Many(&MODEL_INPUT));
shape!(DATASET_INPUT, "MlflowDatasetInput", "tags" "tags" Many(&INPUT_TAG), "dataset" "dataset" One(&DATASET));
shape!(INPUT_TAG, "MlflowInputTag", "key" "key" Text, "value" "value" Text);
shape!(DATASET, "MlflowDataset",
    "name" "name" Text, "digest" "digest" Text, "sourceType" "source_type" Text, "source" "source" Text, "schema" "schema" Text,
    "profile" "profile" Text);
shape!(MODEL_INPUT, "MlflowModelInput", "modelId" "model_id" Text);
shape!(OUTPUTS, "MlflowRunOutputs", "modelOutputs" "model_outputs" Many(&MODEL_OUTPUT));
shape!(MODEL_OUTPUT, "MlflowModelOutput", "modelId" "model_id" Text, "step" "step" Whole);
shape!(ONE_EXPERIMENT, "MlflowExperiment",
    "experimentId" "experiment_id" Text, "name" "name" Text, "artifactLocation" "artifact_location" Text,
    "lifecycleStage" "lifecycle_stage" Text, "creationTime" "creation_time" Whole, "lastUpdateTime" "last_update_time" Whole,
    "effectiveTraceArchivalRetention" "none" Text, "tags" "tags" Many(&EXPERIMENT_TAG));
shape!(EXPERIMENT_TAG, "MlflowExperimentTag", "key" "key" Text, "value" "value" Text);
shape!(VERSION, "MlflowModelVersion",
    "name" "name" Text, "version" "version" Text, "status" "status" Text, "source" "source" Text,
    "creationTimestamp" "creation_timestamp" Whole, "currentStage" "current_stage" Text);

/// The part of a value that is asked for.
///
/// # Errors
/// In GraphQL's words, for a field that the type does not have.
pub(super) fn project(shape: &Shape, asked: &Selection, value: &Value) -> Result<Value, String> {
    let mut map = Map::new();
    for field in &asked.fields {
        let projected = if field.name == "__typename" {
            json!(shape.name)
        } else {
            let found = shape.fields.iter().find(|(name, _, _)| *name == field.name);
            let unknown = || format!("Cannot query field '{}' on type '{}'.", field.name, shape.name);
            let (_, key, kind) = found.ok_or_else(unknown)?;
            of_kind(*kind, field, value.get(key).unwrap_or(&Value::Null))?
        };
        map.insert(field.alias.clone(), projected);
    }
    Ok(Value::Object(map))
}

fn of_kind(kind: Kind, field: &Selection, value: &Value) -> Result<Value, String> {
    Ok(match kind {
        Text => json!(value.as_str().unwrap_or_default()),
        Whole => json!(value.as_i64().unwrap_or_default().to_string()),
        Number if value.is_number() => value.clone(),
        Number => Value::Null,
        One(_) if value.is_null() => Value::Null,
        One(shape) => project(shape, field, value)?,
        Many(shape) => {
            let items = value.as_array().into_iter().flatten();
            items.map(|item| project(shape, field, item)).collect::<Result<_, _>>()?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_has_a_stand_in() {
        let asked = Selection::parse(
            "{ q { __typename run { info { a: runName endTime } experiment { name } data { metrics { value } } } } }",
        );
        let value =
            json!({"run": {"info": {"run_name": "x"}, "data": {"metrics": [{"value": "NaN"}, {"value": 0.5}]}}});
        let expected = json!({
            "__typename": "MlflowGetRunResponse",
            "run": {"info": {"a": "x", "endTime": "0"}, "experiment": null, "data": {"metrics": [{"value": null}, {"value": 0.5}]}},
        });
        assert_eq!(project(&RUN, &asked.expect("a question"), &value), Ok(expected));
        let asked = Selection::parse("{ q { nothing } }").expect("a question");
        assert_eq!(
            project(&RUN, &asked, &value),
            Err("Cannot query field 'nothing' on type 'MlflowGetRunResponse'.".to_owned())
        );
    }
}
