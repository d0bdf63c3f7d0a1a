//! `mlflow-artifacts/artifacts`: MLflow's client sends and fetches files here.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;

use super::app::App;
use super::error::Answer;
use super::files::done;
use super::places::Place;
use super::request::Query;

pub(super) async fn upload(State(app): State<App>, Path(path): Path<String>, headers: HeaderMap, body: Body) -> Answer {
    app.files.receive(&Place::of_path(&path)?, &headers, body, app.limits.artifact_bytes).await?;
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
