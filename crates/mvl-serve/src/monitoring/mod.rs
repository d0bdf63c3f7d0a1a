//! What Prometheus reads: `/metrics` under our own names, `/metrics/triton` under Triton's.

mod figures;
mod plain_text;
mod triton;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::registry::Registry;

use crate::ServiceError;
use crate::models::Repository;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

#[derive(Clone)]
struct Pages {
    registry: Arc<Registry>,
    repository: Arc<Repository>,
}

/// Both pages.
pub(crate) fn routes(repository: Arc<Repository>) -> Router {
    let mut registry = Registry::with_prefix("mvl_serve");
    registry.register_collector(Box::new(figures::Figures::new(repository.clone())));
    let pages = Pages { registry: Arc::new(registry), repository };
    Router::new().route("/metrics", get(own)).route("/metrics/triton", get(like_triton)).with_state(pages)
}

async fn own(State(pages): State<Pages>, headers: HeaderMap) -> Result<Response, ServiceError> {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &pages.registry)
        .map_err(|error| ServiceError::internal(error.to_string()))?;
    let mut accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    Ok(match accepted.any(|value| value.contains("application/openmetrics-text")) {
        true => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        false => ([(header::CONTENT_TYPE, TEXT)], plain_text::plain_text(&text)).into_response(),
    })
}

async fn like_triton(State(pages): State<Pages>) -> Response {
    ([(header::CONTENT_TYPE, TEXT)], triton::page(&pages.repository)).into_response()
}
