//! [`JsonBody`]: the bytes of a JSON request, within the limit and of the right content type.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, Method, header};
use bytes::Bytes;
use futures_core::Stream;

use crate::mlflow::app::App;
use crate::mlflow::error::ApiError;

/// How long a body may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(120);
/// How much of a refused request is read, and for how long.
const PASSED_OVER_BYTES: usize = 64 << 20;
const PASSING_OVER: Duration = Duration::from_secs(10);

/// The bytes of a JSON request.
pub(crate) struct JsonBody(pub(crate) Bytes);

impl FromRequest<App> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        check_content_type(&request)?;
        let limit = app.limits.json_bytes;
        if declared_bytes(request.headers()).is_some_and(|bytes| bytes > limit) {
            pass_over(request.into_body()).await;
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

/// How large a body says it is.
pub(crate) fn declared_bytes(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads what is left of a request that is refused, within bounds: whoever is still sending would not hear the answer.
pub(crate) async fn pass_over(body: Body) {
    let mut pieces = body.into_data_stream();
    let reading = async {
        let mut bytes = 0;
        while let Some(Ok(piece)) = poll_fn(|context| Pin::new(&mut pieces).poll_next(context)).await {
            bytes += piece.len();
            if bytes > PASSED_OVER_BYTES {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(PASSING_OVER, reading).await;
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
fn is_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.to_string().contains("length limit exceeded") {
            return true;
        }
        cause = error.source();
    }
    false
}
