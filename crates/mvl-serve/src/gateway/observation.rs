//! [`observe`]: every request has an id, a span, and a line in the log.

use std::time::Instant;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use tracing::field::Empty;
use tracing::{Instrument, Level};

use super::admission::{LetIn, status_of};
use super::guard::is_grpc;
use super::{Peer, RequestId, request_id};
use crate::service_error::Why;
use crate::telemetry;

/// How much of a path is written.
const PATH: usize = 200;

/// Gives a request its id and its span, and writes its line.
pub(super) async fn observe(mut request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers());
    let value = id.value();
    request.extensions_mut().insert(id.clone());
    let mut response = if tracing::enabled!(target: "mvl_serve::request", Level::INFO) {
        logged(id, request, next).await
    } else {
        next.run(request).await
    };
    if let Some(value) = value {
        response.headers_mut().insert(request_id::HEADER, value);
    }
    response
}

async fn logged(id: RequestId, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let path: String = request.uri().path().chars().take(PATH).collect();
    let in_grpc = is_grpc(request.headers());
    let from = request.extensions().get::<Peer>().map(|peer| peer.address);
    let span = tracing::info_span!(
        target: "mvl_serve::request",
        "request",
        otel.name = Empty,
        otel.kind = Empty,
        otel.status_code = Empty,
        http.request.method = %request.method(),
        url.path = %path,
        http.response.status_code = Empty,
        request_id = %id,
        trace_id = Empty,
        caller = Empty,
        model = Empty,
        version = Empty,
        queue_ms = Empty,
        infer_ms = Empty,
    );
    if telemetry::is_exporting() {
        span.record("otel.name", format!("{} {path}", request.method())).record("otel.kind", "server");
    }
    telemetry::continue_trace(&span, request.headers());
    let response = next.run(request).instrument(span.clone()).await;
    let status = status_of(&response, in_grpc);
    let caller = response.extensions().get::<LetIn>().map(|let_in| let_in.0.name().to_owned()).unwrap_or_default();
    let error = response.extensions().get::<Why>().map(|why| why.0.to_string());
    span.record("http.response.status_code", status);
    span.record("caller", &caller);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
    let ms = begun.elapsed().as_secs_f64() * 1e3;
    tracing::info!(
        target: "mvl_serve::access",
        parent: &span,
        status,
        ms,
        from = from.map(tracing::field::display),
        error,
    );
    response
}
