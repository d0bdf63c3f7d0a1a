//! [`observe`]: every request has an id, a span, and a line in the log.

use std::net::SocketAddr;
use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use tracing::field::Empty;
use tracing::{Instrument, Level, Span};

use super::admission::status_of;
use super::guard::is_grpc;
use super::{Asked, Peer, RequestId, request_id};
use crate::service_error::Why;
use crate::telemetry;

/// How much of a path is written.
const PATH: usize = 200;

/// Gives a request its id and its span, and writes its line.
pub(super) async fn observe<F>(mut request: Request, peer: Peer, onward: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let id = RequestId::of(request.headers());
    let log = tracing::enabled!(target: "mvl_serve::request", Level::INFO);
    let line = log.then(|| Line::begin(&id, peer.address, &request));
    request.extensions_mut().insert(Asked { peer, id: id.clone(), caller: None, held: None });
    let span = line.as_ref().map_or_else(Span::none, |line| line.span.clone());
    let mut response = onward(request).instrument(span).await;
    if let Some(line) = line {
        line.end(&response);
    }
    response.headers_mut().insert(request_id::HEADER, id.into_value());
    response
}

/// What is written down of a request.
struct Line {
    span: Span,
    begun: Instant,
    in_grpc: bool,
    from: SocketAddr,
}

impl Line {
    fn begin(id: &RequestId, from: SocketAddr, request: &Request) -> Self {
        let path: String = request.uri().path().chars().take(PATH).collect();
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
        Self { span, begun: Instant::now(), in_grpc: is_grpc(request.headers()), from }
    }

    fn end(self, response: &Response) {
        let status = status_of(response, self.in_grpc);
        let error = response.extensions().get::<Why>().map(|why| why.0.to_string());
        self.span.record("http.response.status_code", status);
        if status >= 500 {
            self.span.record("otel.status_code", "ERROR");
        }
        tracing::info!(
            target: "mvl_serve::access",
            parent: &self.span,
            status,
            ms = self.begun.elapsed().as_secs_f64() * 1e3,
            from = %self.from,
            error,
        );
    }
}
