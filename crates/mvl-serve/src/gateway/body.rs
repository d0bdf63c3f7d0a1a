//! Bodies are read whole before anything looks at them, within a limit and a time.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body::Body as _;
use serde_json::json;

use super::GatewayOptions;
use crate::{ServiceError, Trouble};

/// The request with its whole body, unless the connection becomes another protocol's; or what to answer instead.
pub(super) async fn whole(options: &GatewayOptions, request: Request) -> Result<Request, Response> {
    let headers = request.headers();
    if headers.contains_key(header::UPGRADE) || request.body().is_end_stream() {
        return Ok(request);
    }
    let too_large = || {
        let message = format!("expected a body of at most {} bytes", options.body_bytes);
        ServiceError::new(Trouble::TooLarge, message).into_response()
    };
    let said = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if said.is_some_and(|said| said > options.body_bytes as u64) {
        return Err(too_large());
    }
    let (head, body) = request.into_parts();
    match tokio::time::timeout(options.body_time, to_bytes(body, options.body_bytes)).await {
        Ok(Ok(bytes)) => Ok(Request::from_parts(head, Body::from(bytes))),
        Ok(Err(error)) if is_limit(&error) => Err(too_large()),
        Ok(Err(error)) => {
            let message = format!("the body did not arrive whole: {error}");
            Err(ServiceError::new(Trouble::Invalid, message).into_response())
        }
        Err(_) => {
            let message = format!("expected the body within {} s", options.body_time.as_secs_f32());
            Err((StatusCode::REQUEST_TIMEOUT, axum::Json(json!({ "error": message }))).into_response())
        }
    }
}

fn is_limit(error: &axum::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}
