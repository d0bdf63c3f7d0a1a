//! [`JsonBody`]: the bytes of a JSON request, within the limit and of the right content type.

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{Method, header};
use bytes::Bytes;

use crate::mlflow::app::App;
use crate::mlflow::error::ApiError;

/// How long a body may take to arrive.
const ARRIVAL: std::time::Duration = std::time::Duration::from_secs(120);

/// The bytes of a JSON request.
pub(crate) struct JsonBody(pub(crate) Bytes);

impl FromRequest<App> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        check_content_type(&request)?;
        let limit = app.limits.json_bytes;
        let declared =
            request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if declared.is_some_and(|bytes| bytes > limit) {
            return Err(ApiError::too_large("the request", limit));
        }
        let body = to_bytes(request.into_body(), usize::try_from(limit).unwrap_or(usize::MAX));
        match tokio::time::timeout(ARRIVAL, body).await {
            Ok(Ok(bytes)) => Ok(Self(bytes)),
            Ok(Err(error)) if is_limit(&error) => Err(ApiError::too_large("the request", limit)),
            Ok(Err(error)) => Err(ApiError::invalid(format!("the request broke off: {error}"))),
            Err(_) => {
                Err(ApiError::invalid(format!("the request did not arrive within {} seconds", ARRIVAL.as_secs())))
            }
        }
    }
}

fn check_content_type(request: &Request) -> Result<(), ApiError> {
    if ![Method::POST, Method::PUT].contains(request.method()) {
        return Ok(());
    }
    let Some(given) = request.headers().get(header::CONTENT_TYPE) else {
        return Err(ApiError::invalid("Bad Request. Content-Type header is missing."));
    };
    let kind = given.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(ApiError::invalid("Bad Request. Content-Type must be one of ['application/json']."))
}

/// Whether reading ended because there was too much.
pub(crate) fn is_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.to_string().contains("length limit exceeded") {
            return true;
        }
        cause = error.source();
    }
    false
}
