//! The pages beside the API: health, version, what the server can do, and nowhere.

use axum::Json;
use axum::http::{StatusCode, Uri};
use serde_json::{Value, json};

use super::error::{ApiError, code};

/// The version of MLflow whose API this is; clients look at the first number.
const MLFLOW: &str = "3.17.2";

pub(super) async fn health() -> &'static str {
    "OK"
}

pub(super) async fn version() -> &'static str {
    MLFLOW
}

pub(super) async fn front() -> &'static str {
    "ML Vision Lab's tracking server. It speaks MLflow's REST API: MLFLOW_TRACKING_URI is this address.\n"
}

/// What MLflow 3's client asks first.
pub(super) async fn server_info() -> Json<Value> {
    Json(json!({
        "store_type": "SqlStore",
        "workspaces_enabled": false,
        "trace_archival_enabled": false,
        "multipart_uploads_enabled": false,
        "multipart_downloads_enabled": false,
        "presigned_upload_run_id_supported": false,
        "presigned_upload_model_id_supported": false,
        "features_enabled": {"gateway": false},
    }))
}

pub(super) async fn nowhere(uri: Uri) -> ApiError {
    let message = format!("there is nothing at {:?}; docs/mlflow.md lists what this server offers", uri.path());
    ApiError::new(StatusCode::NOT_FOUND, code::ENDPOINT_NOT_FOUND, message)
}
