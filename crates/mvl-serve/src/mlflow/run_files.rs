//! Files of a run, by the run: what MLflow's UI lists, downloads and uploads.

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;

use super::app::App;
use super::error::{Answer, ApiError};
use super::files::done;
use super::paths::safe_path;
use super::places::Place;
use super::request::{Fields, Query, declared_bytes, pass_over};

/// The largest file that is uploaded here; larger ones go through the proxy.
const FROM_THE_UI: u64 = 10 * 1024 * 1024;

pub(super) async fn list(State(app): State<App>, fields: Fields) -> Answer {
    let run_id = fields.run_id()?;
    let folder = fields.filled("path")?.map(safe_path).transpose()?.unwrap_or_default();
    let run = app.tracker.get_run(run_id).await?;
    app.files.list_below(&Place::at(&run.info.artifact_uri)?, &folder, &run.info.artifact_uri).await
}

pub(super) async fn get_artifact(State(app): State<App>, query: Query, headers: HeaderMap) -> Answer {
    let path = query.first("path").ok_or_else(|| ApiError::invalid("Missing value for required parameter 'path'."))?;
    let path = safe_path(path)?;
    let run_id = query.first("run_id").or_else(|| query.first("run_uuid")).unwrap_or_default();
    let run = app.tracker.get_run(run_id).await?;
    app.files.send(&Place::at(&run.info.artifact_uri)?.below(&path), &headers).await
}

pub(super) async fn upload(State(app): State<App>, query: Query, headers: HeaderMap, body: Body) -> Answer {
    let given = |name| query.first(name).filter(|value| !value.is_empty());
    let run_id = given("run_uuid").ok_or_else(|| ApiError::invalid("Request must specify run_uuid."))?;
    let path = safe_path(given("path").ok_or_else(|| ApiError::invalid("Request must specify path."))?)?;
    let limit = FROM_THE_UI.min(app.limits.artifact_bytes);
    match declared_bytes(&headers) {
        Some(0) | None => return Err(ApiError::invalid("Request must specify data.")),
        Some(bytes) if bytes > limit => {
            pass_over(body).await;
            return Err(ApiError::invalid("Artifact size is too large. Max size is 10MB."));
        }
        Some(_) => {}
    }
    let run = app.tracker.get_run(run_id).await?;
    app.files.receive(&Place::at(&run.info.artifact_uri)?.below(&path), &headers, body, limit).await?;
    Ok(done())
}
