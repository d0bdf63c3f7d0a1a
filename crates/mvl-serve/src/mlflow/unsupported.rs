//! Uploads in parts and signed addresses: refused in the words by which MLflow's client falls back to plain ones.

use axum::extract::State;

use super::app::App;
use super::error::{Answer, ApiError};
use super::paths::safe_path;
use super::request::Fields;

pub(super) async fn multipart(fields: Fields) -> Answer {
    fields.required("path")?;
    Err(ApiError::not_implemented("Multipart upload is not supported for the current artifact repository"))
}

pub(super) async fn presigned() -> Answer {
    Err(ApiError::not_implemented("Multipart download is not supported for the current artifact repository"))
}

pub(super) async fn presigned_upload(State(app): State<App>, fields: Fields) -> Answer {
    safe_path(fields.required("path")?)?;
    match (fields.filled("run_id")?, fields.filled("model_id")?) {
        (Some(run_id), None) => drop(app.tracker.get_run(run_id).await?),
        (None, Some(model_id)) => drop(app.tracker.get_logged_model(model_id).await?),
        _ => return Err(ApiError::invalid("Exactly one of run_id and model_id must be provided.")),
    }
    Err(ApiError::invalid(
        "Presigned upload is not supported for proxied artifact storage; send the file to this server",
    ))
}

pub(super) async fn presigned_download(State(app): State<App>, fields: Fields) -> Answer {
    let run_id = fields.required("run_id")?;
    safe_path(fields.required("path")?)?;
    app.tracker.get_run(run_id).await?;
    Err(ApiError::invalid(
        "Presigned download is not supported for runs with proxied artifact storage; fetch it from this server",
    ))
}
