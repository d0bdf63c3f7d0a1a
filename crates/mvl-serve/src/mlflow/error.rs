//! [`ApiError`]: an error as MLflow's server writes it.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mvl_core::DataError;
use mvl_track::{ErrorCode, TrackError};
use serde::Serialize;

/// What a handler answers.
pub(super) type Answer<T = Response> = Result<T, ApiError>;

/// MLflow's codes beside those of the tracker.
pub(super) mod code {
    pub(crate) const INVALID_PARAMETER_VALUE: &str = "INVALID_PARAMETER_VALUE";
    pub(crate) const ENDPOINT_NOT_FOUND: &str = "ENDPOINT_NOT_FOUND";
    pub(crate) const NOT_IMPLEMENTED: &str = "NOT_IMPLEMENTED";
    pub(crate) const UNAUTHENTICATED: &str = "UNAUTHENTICATED";
    pub(crate) const PERMISSION_DENIED: &str = "PERMISSION_DENIED";
    pub(crate) const BAD_REQUEST: &str = "BAD_REQUEST";
    pub(crate) const REQUEST_LIMIT_EXCEEDED: &str = "REQUEST_LIMIT_EXCEEDED";
}

/// An error with a code of MLflow's, an HTTP status and a message.
#[derive(Debug)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// What happened inside, for the log and not for the caller.
    pub(super) inside: Option<String>,
    /// When to ask again.
    pub(super) retry_after: Option<Duration>,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), inside: None, retry_after: None }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code::INVALID_PARAMETER_VALUE, message)
    }

    pub(super) fn missing(message: impl Into<String>) -> Self {
        TrackError::missing(message).into()
    }

    pub(super) fn not_implemented(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, code::NOT_IMPLEMENTED, message)
    }

    pub(super) fn too_large(what: &str, limit: u64) -> Self {
        let message = format!("{what} is too large: expected at most {limit} bytes; the server's limits can be raised");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, code::INVALID_PARAMETER_VALUE, message)
    }

    /// A failure of ours: the log gets the cause, the caller hears that there was one.
    pub(super) fn internal(what: &str, cause: impl std::fmt::Display) -> Self {
        let message = format!("{what}; the server's log says why");
        let inside = Some(format!("{what}: {cause}"));
        Self { inside, ..Self::from(TrackError::new(ErrorCode::BadRequest, message)) }
            .with_code(ErrorCode::InternalError)
    }

    fn with_code(self, code: ErrorCode) -> Self {
        Self { status: status_of(code), code: code.as_str(), ..self }
    }
}

impl From<TrackError> for ApiError {
    fn from(error: TrackError) -> Self {
        if error.code == ErrorCode::InternalError {
            return Self::internal("the tracker failed", error);
        }
        let inside = (error.code.http_status() >= 500).then(|| format!("{}: {error}", error.code));
        Self { inside, ..Self::new(status_of(error.code), error.code.as_str(), error.to_string()) }
    }
}

impl From<DataError> for ApiError {
    fn from(error: DataError) -> Self {
        Self::internal("the artifact store failed", error.full_message())
    }
}

fn status_of(code: ErrorCode) -> StatusCode {
    StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[derive(Serialize)]
struct Body<'a> {
    error_code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sqlstate: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_class: Option<&'a str>,
}

/// MLflow 3 classes errors a second time, for dashboards.
fn class_of(code: &str) -> Option<(&'static str, &'static str)> {
    Some(match code {
        "INVALID_PARAMETER_VALUE" | "BAD_REQUEST" => ("KAM00", "INVALID_PARAMETER_VALUE"),
        "RESOURCE_DOES_NOT_EXIST" | "ENDPOINT_NOT_FOUND" => ("KAM00", "RESOURCE_NOT_FOUND"),
        "RESOURCE_ALREADY_EXISTS" => ("KAM00", "RESOURCE_ALREADY_EXISTS"),
        "PERMISSION_DENIED" | "UNAUTHENTICATED" => ("KAM00", "PERMISSION_DENIED"),
        "INTERNAL_ERROR" | "INVALID_STATE" | "DATA_LOSS" => ("XXM00", "CLIENT_INTERNAL_ERROR"),
        _ => return None,
    })
}

/// What the log hears of an answer; the guard takes it out again.
#[derive(Debug, Clone)]
pub(super) struct Inside(pub(super) String);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (sqlstate, error_class) = class_of(self.code).unzip();
        let body = Body { error_code: self.code, message: &self.message, sqlstate, error_class };
        let mut headers = HeaderMap::new();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"mvl\", Bearer"));
        }
        if let Some(after) = self.retry_after {
            headers.insert(header::RETRY_AFTER, after.as_secs().max(1).into());
        }
        let mut response = (self.status, headers, Json(body)).into_response();
        if let Some(inside) = self.inside {
            response.extensions_mut().insert(Inside(inside));
        }
        response
    }
}
