//! [`Gate`]: what the gateway knows while it runs, and the layers that it puts around a router.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::held_bytes::HeldBytes;
use super::{GatewayOptions, admission, observation, request_id};
use crate::access::PerAddress;

/// What the gateway knows while it runs.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) options: GatewayOptions,
    pub(super) held: Arc<HeldBytes>,
    pub(super) addresses: Option<PerAddress>,
}

/// How long a browser may remember whose pages may ask.
const REMEMBERED: std::time::Duration = std::time::Duration::from_secs(600);

/// A router behind the gateway.
pub(super) fn behind(options: GatewayOptions, router: Router) -> Router {
    let origins: Vec<HeaderValue> = options.origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    let addresses = options.requests_per_minute.map(PerAddress::new);
    let gate = Arc::new(Gate { held: HeldBytes::new(options.held_bytes), addresses, options });
    let mut router = router.layer(from_fn_with_state(gate, admission::admit));
    if !origins.is_empty() {
        let json_length = HeaderName::from_static("inference-header-content-length");
        let key = HeaderName::from_static("x-api-key");
        let cors = CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_methods([Method::GET, Method::POST, Method::DELETE])
            .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, key, request_id::HEADER, json_length.clone()])
            .expose_headers([request_id::HEADER, json_length, header::RETRY_AFTER])
            .max_age(REMEMBERED);
        router = router.layer(cors);
    }
    router.layer(from_fn(observation::observe))
}
