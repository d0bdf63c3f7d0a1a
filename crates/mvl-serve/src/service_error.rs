//! [`ServiceError`]: why the service did not do what it was asked, whatever the protocol.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use mvl_infer::{RequestError, TensorError};
use serde_json::json;

/// What kind of trouble it is; each has one HTTP status and one gRPC code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// The request is wrong: 400, `INVALID_ARGUMENT`.
    Invalid,
    /// Who asks is not known: 401, `UNAUTHENTICATED`.
    Unauthenticated,
    /// Who asks may not: 403, `PERMISSION_DENIED`.
    Forbidden,
    /// There is no such thing: 404, `NOT_FOUND`.
    NotFound,
    /// The request is too large: 413, `RESOURCE_EXHAUSTED`.
    TooLarge,
    /// Too much was asked by this caller: 429, `RESOURCE_EXHAUSTED`.
    TooMany,
    /// A mistake of the service: 500, `INTERNAL`.
    Internal,
    /// Something that the service does not do: 501, `UNIMPLEMENTED`.
    Unsupported,
    /// The model cannot answer now: 503, `UNAVAILABLE`.
    Unavailable,
    /// The answer was not there in time: 504, `DEADLINE_EXCEEDED`.
    Late,
}

/// Why the service did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ServiceError {
    /// The kind.
    pub trouble: Trouble,
    /// What to tell.
    pub message: String,
    /// When to try again.
    pub retry_after: Option<Duration>,
}

/// Why a request was refused or failed, beside its answer, for those who write it down.
#[derive(Debug, Clone)]
pub(crate) struct Why(pub(crate) Arc<str>);

impl ServiceError {
    /// An error of some kind.
    pub fn new(trouble: Trouble, message: impl Into<String>) -> Self {
        Self { trouble, message: message.into(), retry_after: None }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Trouble::Invalid, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(Trouble::NotFound, message)
    }

    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(Trouble::Unsupported, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(Trouble::Internal, message)
    }
}

impl Trouble {
    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Invalid => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unsupported => StatusCode::NOT_IMPLEMENTED,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Late => StatusCode::GATEWAY_TIMEOUT,
        }
    }
}

impl From<TensorError> for ServiceError {
    fn from(error: TensorError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<RequestError> for ServiceError {
    fn from(error: RequestError) -> Self {
        let message = error.to_string();
        match error {
            RequestError::Input(_) => Self::invalid(message),
            RequestError::Overloaded { retry_after } => {
                Self { retry_after: Some(retry_after), ..Self::new(Trouble::Unavailable, message) }
            }
            RequestError::Deadline => Self::new(Trouble::Late, message),
            RequestError::Closed => {
                Self { retry_after: Some(Duration::from_secs(1)), ..Self::new(Trouble::Unavailable, message) }
            }
            _ => Self::internal(message),
        }
    }
}

impl IntoResponse for ServiceError {
    fn into_response(self) -> Response {
        let mut response = (self.trouble.status(), Json(json!({ "error": &self.message }))).into_response();
        if let Some(after) = self.retry_after {
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, seconds.max(1).into());
        }
        response.extensions_mut().insert(Why(self.message.into()));
        response
    }
}
