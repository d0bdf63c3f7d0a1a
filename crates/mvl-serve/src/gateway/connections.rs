//! [`HttpServer`]: takes connections, HTTP/1.1 and HTTP/2 on one port, and ends when it is told to.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::{GatewayOptions, body, guard};
use crate::ApiKeys;

/// How long to wait when the system has no more sockets.
const PAUSE: Duration = Duration::from_millis(50);

/// Why a server does not listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Without a key anybody who reaches the server may use it, so it serves this machine alone.
    #[error(
        "cannot listen on {address} without an API key: anybody who reaches it could use it; give keys, or listen on 127.0.0.1"
    )]
    NeedsKey {
        /// Where it was to listen.
        address: SocketAddr,
    },
    /// The address is taken, or not of this machine.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// A server that listens and does not serve yet.
#[derive(Debug)]
pub struct HttpServer {
    listener: TcpListener,
    address: SocketAddr,
    options: GatewayOptions,
}

impl HttpServer {
    /// Listens.
    ///
    /// # Errors
    /// [`ListenError::NeedsKey`] for an address that others reach, without a key; [`ListenError::Listen`] when the address is taken or not
    /// of this machine.
    pub async fn bind(options: GatewayOptions) -> Result<Self, ListenError> {
        let (listener, address) = listen(options.address, &options.keys).await?;
        Ok(Self { listener, address, options })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is ready. Then no connection is taken any more, and requests that are under way have the options' grace
    /// to end.
    pub async fn run(self, router: Router, shutdown: impl Future<Output = ()>) {
        let router = router.layer(from_fn_with_state(Arc::new(self.options.clone()), admit));
        serve(self.listener, router, &self.options, shutdown).await;
    }
}

/// Listens; without keys on this machine alone.
pub(crate) async fn listen(address: SocketAddr, keys: &ApiKeys) -> Result<(TcpListener, SocketAddr), ListenError> {
    if keys.is_empty() && !address.ip().is_loopback() {
        return Err(ListenError::NeedsKey { address });
    }
    let failed = |source| ListenError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Takes connections, no more than the options say, and serves them until `shutdown` is ready and the options' grace is over.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    options: &GatewayOptions,
    shutdown: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(options.connections));
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(options.header_time);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20))
        .max_concurrent_streams(256)
        .max_pending_accept_reset_streams(64);
    let connections = GracefulShutdown::new();
    tokio::pin!(shutdown);
    loop {
        let place = places.clone().acquire_owned();
        let taken = tokio::select! {
            () = &mut shutdown => break,
            taken = async { (place.await, listener.accept().await) } => taken,
        };
        let (Ok(place), accepted) = taken else { break };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(_) => {
                tokio::time::sleep(PAUSE).await; // too many open files, or a client that is gone already
                continue;
            }
        };
        let _ = stream.set_nodelay(true); // answers are small; a socket that cannot is served all the same
        let service = TowerToHyperService::new(router.clone());
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        let watched = connections.watch(connection);
        tokio::spawn(async move {
            let _ = watched.await; // a client that breaks off concerns nobody else
            drop(place);
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(options.grace, connections.shutdown()).await;
}

/// Lets a request through or refuses it. Nobody's body is read before it is known who asks.
async fn admit(State(options): State<Arc<GatewayOptions>>, request: Request, next: Next) -> Response {
    let is_grpc = guard::is_grpc(request.headers());
    let admitted = match guard::allow(&options.keys, request.uri().path(), request.headers()) {
        Ok(()) if is_grpc => Ok(request),
        Ok(()) => body::whole(&options, request).await,
        Err(error) if is_grpc => return tonic::Status::from(error).into_http(),
        Err(error) => Err(error.into_response()),
    };
    match admitted {
        Ok(request) => next.run(request).await,
        Err(refused) => refused,
    }
}
