//! Bodies are read whole before anything looks at them, within a limit and a time.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Extensions, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body::Body as _;
use http_body_util::LengthLimitError;

use super::held_bytes::{Broken, Counted, Held, Pace};
use super::{Asked, GatewayOptions};
use crate::whole_body::whole_body;
use crate::{ServiceError, Trouble};

/// How much of a refused request's body is taken, and for how long.
const DISCARDED: usize = 64 << 10;
const DISCARDING: Duration = Duration::from_millis(200);

/// The request with its whole body; or what to answer instead.
pub(super) async fn whole(options: &GatewayOptions, held: &Held, mut request: Request) -> Result<Request, Response> {
    note(request.extensions_mut(), held);
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
    let counted = Counted::new(body, held.clone(), Pace::Whole(options.body_time), false);
    match whole_body(counted, options.body_bytes).await {
        Ok(bytes) => Ok(Request::from_parts(head, Body::from(bytes))),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(error) => match caused_by::<Broken>(&*error) {
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
    note(&mut head.extensions, held);
    Request::from_parts(head, Body::new(Counted::new(body, held.clone(), pace, true)))
}

/// For what is fetched for a request, and for what comes over a socket.
fn note(extensions: &mut Extensions, held: &Held) {
    if let Some(asked) = extensions.get_mut::<Asked>() {
        asked.held = Some(held.clone());
    }
}

fn caused_by<'a, E: std::error::Error + 'static>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a E> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}
