//! `mlflow-artifacts/artifacts`: MLflow's client sends and fetches files here.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;

use super::app::App;
use super::error::{Answer, ApiError};
use super::files::done;
use super::places::Place;
use super::request::Query;

pub(super) async fn upload(State(app): State<App>, Path(path): Path<String>, headers: HeaderMap, body: Body) -> Answer {
    let limit = app.limits.artifact_bytes;
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|bytes| bytes > limit) {
        return Err(ApiError::too_large("the artifact", limit));
    }
    app.files.receive(&Place::of_path(&path)?, body, limit).await?;
    Ok(done())
}

pub(super) async fn download(State(app): State<App>, Path(path): Path<String>, headers: HeaderMap) -> Answer {
    app.files.send(&Place::of_path(&path)?, &headers).await
}

pub(super) async fn list(State(app): State<App>, query: Query) -> Answer {
    app.files.list_names(&Place::of_path(query.first("path").unwrap_or_default())?).await
}

pub(super) async fn delete(State(app): State<App>, Path(path): Path<String>) -> Answer {
    app.files.remove(&Place::of_path(&path)?).await?;
    Ok(done())
}
