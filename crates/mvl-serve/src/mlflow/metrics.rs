//! Metrics: one point, histories, and what MLflow's UI draws.

use axum::extract::State;
use mvl_track::Metric;

use super::answer::{MetricJson, nothing, page};
use super::app::App;
use super::error::{Answer, ApiError};
use super::request::{Fields, Query};

/// Runs whose curves may be asked for at once.
const RUNS: usize = 100;
/// Points of one run in a thinned curve.
const POINTS: u32 = 2500;
/// Points of all runs in a whole one.
const ALL_POINTS: u32 = 25_000;

pub(super) async fn log(State(app): State<App>, fields: Fields) -> Answer {
    let run_id = fields.run_id()?;
    app.tracker.log_metric(run_id, &metric(&fields)?).await?;
    nothing()
}

/// The metric that the fields are.
pub(super) fn metric(fields: &Fields) -> Answer<Metric> {
    let text = |name| Ok::<_, ApiError>(fields.filled(name)?.map(ToOwned::to_owned));
    Ok(Metric {
        key: fields.required("key")?.to_owned(),
        value: bounded(fields.number("value")?.ok_or_else(|| fields.missing("value"))?),
        timestamp: fields.int("timestamp")?.ok_or_else(|| fields.missing("timestamp"))?,
        step: fields.int("step")?.unwrap_or_default(),
        model_id: text("model_id")?,
        dataset_name: text("dataset_name")?,
        dataset_digest: text("dataset_digest")?,
        run_id: None,
    })
}

/// MLflow keeps infinities as the largest numbers, and compares them so.
pub(super) fn bounded(value: f64) -> f64 {
    value.clamp(-f64::MAX, f64::MAX)
}

pub(super) async fn history(State(app): State<App>, fields: Fields) -> Answer {
    let (run_id, key) = (fields.run_id()?, fields.required("metric_key")?);
    let count = match fields.int("max_results")? {
        None => None,
        Some(count) => Some(u32::try_from(count).ok().filter(|count| *count > 0).ok_or_else(|| {
            ApiError::invalid(format!(
                "Invalid value {count} for parameter 'max_results' supplied. It must be a positive integer."
            ))
        })?),
    };
    let points = app.tracker.metric_history(run_id, key, count, fields.filled("page_token")?).await?;
    page("metrics", points.items.iter().map(MetricJson::point), points.next_page_token)
}

pub(super) async fn bulk(State(app): State<App>, query: Query) -> Answer {
    let runs = query.all("run_id");
    let asked = "GetMetricHistoryBulk request";
    if runs.is_empty() {
        return Err(ApiError::invalid(format!("{asked} must specify at least one run_id.")));
    }
    if runs.len() > RUNS {
        let message = format!("{asked} cannot specify more than {RUNS} run_ids. Received {} run_ids.", runs.len());
        return Err(ApiError::invalid(message));
    }
    let key =
        query.first("metric_key").ok_or_else(|| ApiError::invalid(format!("{asked} must specify a metric_key.")))?;
    let count = match query.first("max_results") {
        None => ALL_POINTS,
        Some(text) => {
            let wrong = || ApiError::invalid(format!("expected a number as max_results, got {text:?}"));
            text.parse::<u32>().map_err(|_| wrong())?.min(ALL_POINTS)
        }
    };
    let points = app.tracker.metric_history_bulk(&runs, key, count).await?;
    // Here MLflow writes the list even if it is empty.
    let points: Vec<_> = points.iter().map(MetricJson::of_run).collect();
    super::answer::one("metrics", points)
}

pub(super) async fn interval(State(app): State<App>, fields: Fields) -> Answer {
    page("metrics", curve(&app, &fields).await?.iter().map(MetricJson::of_run), None)
}

/// The thinned curves that are asked for.
pub(super) async fn curve(app: &App, fields: &Fields) -> Answer<Vec<Metric>> {
    let runs = fields.texts("run_ids")?;
    if runs.is_empty() {
        return Err(fields.missing("run_ids"));
    }
    if runs.len() > RUNS {
        return Err(ApiError::invalid(format!(
            "GetMetricHistoryBulkInterval request must specify at most {RUNS} run_ids. Received {} run_ids.",
            runs.len()
        )));
    }
    let key = fields.required("metric_key")?;
    let points = match fields.int("max_results")? {
        None => POINTS,
        Some(count) => u32::try_from(count)
            .ok()
            .filter(|count| (1..=POINTS).contains(count))
            .ok_or_else(|| ApiError::invalid(format!("max_results must be between 1 and {POINTS}.")))?,
    };
    let steps = match (fields.int("start_step")?, fields.int("end_step")?) {
        (None, None) => None,
        (Some(start), Some(end)) if start <= end => Some(start..=end),
        (Some(start), Some(end)) => {
            return Err(ApiError::invalid(format!(
                "end_step must be greater than start_step. Found start_step={start} and end_step={end}."
            )));
        }
        _ => return Err(ApiError::invalid("If either start step or end step are specified, both must be specified.")),
    };
    Ok(app.tracker.metric_history_sampled(&runs, key, points, steps).await?)
}
