//! [`Gateway`]: a router, and what every request passes on its way there and back.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_service::Service;

use super::admission::admit;
use super::held_bytes::HeldBytes;
use super::observation::observe;
use super::{GatewayOptions, Peer, Streams, request_id};
use crate::access::PerAddress;

/// What the gateway knows while it runs.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) options: GatewayOptions,
    pub(super) held: Arc<HeldBytes>,
    pub(super) addresses: Option<PerAddress>,
}

/// A router behind the gateway.
#[derive(Debug)]
pub(super) struct Gateway {
    gate: Arc<Gate>,
    streams: Streams,
    router: Behind,
}

/// Plain calls rather than layers stand before the router where that is possible: each layer costs a request two allocations.
#[derive(Debug)]
enum Behind {
    /// The router as it is.
    Admission(Router),
    /// Browsers are answered before it is asked who they are, so admission is a layer of this router.
    Cors(Router),
}

/// How long a browser may remember whose pages may ask.
const REMEMBERED: std::time::Duration = std::time::Duration::from_secs(600);

impl Gateway {
    pub(super) fn new(options: GatewayOptions, streams: Streams, router: Router) -> Self {
        let origins: Vec<HeaderValue> = options.origins.iter().filter_map(|origin| origin.parse().ok()).collect();
        let addresses = options.requests_per_minute.map(PerAddress::new);
        let gate = Arc::new(Gate { held: HeldBytes::new(options.held_bytes), addresses, options });
        let router = match origins.is_empty() {
            true => Behind::Admission(router),
            false => Behind::Cors(router.layer(from_fn_with_state(gate.clone(), admission)).layer(cors(origins))),
        };
        Self { gate, streams, router }
    }

    pub(super) async fn answer(self: Arc<Self>, mut request: Request, peer: Peer) -> Response {
        if request.method() != Method::POST {
            // For what becomes a socket of its own, which is no POST.
            request.extensions_mut().insert(self.streams.clone());
        }
        match &self.router {
            Behind::Admission(router) => {
                observe(request, peer, |request| admit(&self.gate, request, |request| call(router.clone(), request)))
                    .await
            }
            Behind::Cors(router) => observe(request, peer, |request| call(router.clone(), request)).await,
        }
    }
}

/// What a router answers.
pub(crate) async fn call(mut router: Router, request: Request) -> Response {
    let Ok(response): Result<_, Infallible> = router.call(request).await;
    response
}

async fn admission(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    admit(&gate, request, |request| next.run(request)).await
}

fn cors(origins: Vec<HeaderValue>) -> CorsLayer {
    let json_length = HeaderName::from_static("inference-header-content-length");
    let key = HeaderName::from_static("x-api-key");
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, key, request_id::HEADER, json_length.clone()])
        .expose_headers([request_id::HEADER, json_length, header::RETRY_AFTER])
        .max_age(REMEMBERED)
}
