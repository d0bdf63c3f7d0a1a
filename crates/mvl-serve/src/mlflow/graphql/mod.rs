//! `/graphql`: the four questions that MLflow's UI asks in GraphQL, so that the UI works when its requests are passed on to this server.
//!
//! One question a request, with its input in a variable, as the UI writes it. No fragments, no mutations.

mod selection;
mod shape;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use mvl_track::{Run, VersionSearch};
use serde_json::{Value, json, to_value};

use self::selection::Selection;
use self::shape::{EXPERIMENT, INTERVAL, RUN, SEARCH, project};
use super::answer::{ExperimentJson, MetricJson, RunJson, VersionJson};
use super::app::App;
use super::error::{Answer, ApiError};
use super::request::Fields;
use super::{metrics, runs};

/// Versions of one run that are shown.
const VERSIONS: u32 = 1000;

pub(super) async fn answer(State(app): State<App>, fields: Fields) -> Answer {
    let question = Selection::parse(fields.required("query")?);
    let (data, errors) = match question {
        Ok(question) => {
            let name = question.name.clone();
            match resolve(&app, &question, &fields).await {
                Ok(value) => (json!({name: value}), Value::Null),
                Err(error) if error.status.is_server_error() => return Err(error),
                Err(error) => (json!({name: null}), json!([error.message])),
            }
        }
        Err(why) => (Value::Null, json!([why])),
    };
    Ok(Json(json!({"data": data, "errors": errors})).into_response())
}

async fn resolve(app: &App, question: &Selection, fields: &Fields) -> Answer<Value> {
    let variables = fields.object("variables")?.unwrap_or_default();
    let input = match &question.variable {
        Some(name) => variables.object(name)?.unwrap_or_default(),
        None => Fields::default(),
    };
    let (shape, value) = match question.name.as_str() {
        "mlflowGetRun" => {
            let run = app.tracker.get_run(input.run_id()?).await?;
            (&RUN, json!({"run": whole_run(app, &run, question.field("run")).await?}))
        }
        "mlflowSearchRuns" => {
            let page = runs::find(app, &input).await?;
            let mut found = Vec::with_capacity(page.items.len());
            for run in &page.items {
                found.push(whole_run(app, run, question.field("runs")).await?);
            }
            (&SEARCH, json!({"runs": found, "next_page_token": page.next_page_token}))
        }
        "mlflowGetExperiment" => {
            let found = app.tracker.get_experiment(input.required("experiment_id")?).await?;
            (&EXPERIMENT, json!({"experiment": value_of(ExperimentJson::from(found))?}))
        }
        "mlflowGetMetricHistoryBulkInterval" => {
            let curve = metrics::curve(app, &input).await?;
            (&INTERVAL, json!({"metrics": value_of(curve.iter().map(MetricJson::of_run).collect::<Vec<_>>())?}))
        }
        name => return Err(ApiError::invalid(format!("Cannot query field '{name}' on type 'Query'."))),
    };
    project(shape, question, &value).map_err(ApiError::invalid)
}

/// A run, with its experiment and its versions if they are asked for.
async fn whole_run(app: &App, run: &Run, asked: Option<&Selection>) -> Answer<Value> {
    let mut value = value_of(RunJson::from(run))?;
    let asks = |name| asked.is_some_and(|asked| asked.field(name).is_some());
    if asks("experiment") {
        let experiment = app.tracker.get_experiment(&run.info.experiment_id).await?;
        value["experiment"] = value_of(ExperimentJson::from(experiment))?;
    }
    if asks("modelVersions") {
        let filter = format!("run_id = '{}'", run.info.run_id);
        let search = VersionSearch { filter, max_results: VERSIONS, ..VersionSearch::default() };
        let found = app.registry.search_versions(&search).await?;
        value["model_versions"] = value_of(found.items.iter().map(VersionJson::from).collect::<Vec<_>>())?;
    }
    Ok(value)
}

fn value_of(item: impl serde::Serialize) -> Answer<Value> {
    to_value(item).map_err(|error| ApiError::internal("cannot write the answer", error))
}
