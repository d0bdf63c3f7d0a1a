//! Bodies are read whole before anything looks at them, within a limit and a time.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body::Body as _;

use super::GatewayOptions;
use super::held_bytes::{Broken, Counted, Held, Pace};
use crate::{ServiceError, Trouble};

/// How much of a refused request's body is taken, and for how long.
const DISCARDED: usize = 64 << 10;
const DISCARDING: Duration = Duration::from_millis(200);

/// The request with its whole body; or what to answer instead.
pub(super) async fn whole(options: &GatewayOptions, held: &Held, mut request: Request) -> Result<Request, Response> {
    request.extensions_mut().insert(held.clone()); // for what is fetched for it, and for what comes over a socket
    if request.body().is_end_stream() {
        return Ok(request); // also of connections that become another protocol's
    }
    let too_large = || {
        let message = format!("expected a body of at most {} bytes", options.body_bytes);
        ServiceError::new(Trouble::TooLarge, message).into_response()
    };
    let length = request.headers().get(header::CONTENT_LENGTH);
    let said = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if said.is_some_and(|said| said > options.body_bytes as u64) {
        return Err(too_large());
    }
    let (head, body) = request.into_parts();
    let counted = Body::new(Counted::new(body, held.clone(), Pace::Whole(options.body_time), false));
    match to_bytes(counted, options.body_bytes).await {
        Ok(bytes) => Ok(Request::from_parts(head, Body::from(bytes))),
        Err(error) if caused_by::<http_body_util::LengthLimitError>(&error).is_some() => Err(too_large()),
        Err(error) => match caused_by::<Broken>(&error) {
            Some(slow @ Broken::Slow(_)) => {
                let mut response = ServiceError::from(slow).into_response();
                *response.status_mut() = StatusCode::REQUEST_TIMEOUT;
                Err(response)
            }
            Some(full @ Broken::NoRoom) => Err(ServiceError::from(full).into_response()),
            Some(Broken::Body(_)) | None => {
                let message = format!("the body did not arrive whole: {error}");
                Err(ServiceError::new(Trouble::Invalid, message).into_response())
            }
        },
    }
}

/// Takes what little a refused request has brought, so that its client, which may still be sending, reads the answer. It is not kept.
pub(super) async fn discard(request: Request) {
    let waits = request.headers().contains_key(header::EXPECT);
    let body = request.into_body();
    if !waits && !body.is_end_stream() && body.size_hint().lower() <= DISCARDED as u64 {
        let _ = tokio::time::timeout(DISCARDING, to_bytes(body, DISCARDED)).await; // whatever comes of it, it is refused
    }
}

/// The request with a body that must go on arriving, for what reads it message by message.
pub(super) fn message_by_message(held: &Held, pace: Pace, request: Request) -> Request {
    let (mut head, body) = request.into_parts();
    head.extensions.insert(held.clone());
    Request::from_parts(head, Body::new(Counted::new(body, held.clone(), pace, true)))
}

fn caused_by<E: std::error::Error + 'static>(error: &axum::Error) -> Option<&E> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}
