//! [`HttpServer`]: takes connections, HTTP/1.1 and HTTP/2 on one port, and ends when it is told to.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::beginning::Beginning;
use super::descriptors::make_room;
use super::gate::Gateway;
use super::{GatewayOptions, Peer, Streams};
use crate::ApiKeys;
use crate::access::network_of;

/// How long to wait when the system has no more sockets.
const PAUSE: Duration = Duration::from_millis(50);

/// How often the requests of keys are written down.
const KEPT_EVERY: Duration = Duration::from_secs(5);

/// Why a server does not listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Where nobody is asked who they are, anybody who reaches the server may use it, so it serves this machine alone.
    #[error(
        "cannot listen on {address} without an API key: anybody who reaches it could use it; give keys, an issuer of tokens or an \
         authority of clients' certificates, or listen on 127.0.0.1"
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
    /// [`ListenError::NeedsKey`] for an address that others reach, where nobody is asked who they are; [`ListenError::Listen`] when the address is taken or not
    /// of this machine.
    pub async fn bind(options: GatewayOptions) -> Result<Self, ListenError> {
        let (listener, address) = listen(options.address, options.asks_who()).await?;
        make_room(&listener, options.connections);
        Ok(Self { listener, address, options })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is ready. Then no connection is taken any more, and requests that are under way have the options' grace
    /// to end.
    pub async fn run(self, router: Router, shutdown: impl Future<Output = ()>) {
        let streams = Streams::default();
        let gateway = Arc::new(Gateway::new(self.options.clone(), streams.clone(), router));
        let answer = move |request, peer| gateway.clone().answer(request, peer);
        let ended = async {
            shutdown.await;
            streams.end();
        };
        let keys = self.options.keys.clone();
        let keeping = tokio::spawn(keep_counts(keys.clone()));
        serve(self.listener, answer, &self.options, ended, streams.ended()).await;
        keeping.abort();
        let _ = tokio::task::spawn_blocking(move || keys.keep_counts()).await;
    }
}

/// Keeps on keeping what keys have asked.
async fn keep_counts(keys: ApiKeys) {
    loop {
        tokio::time::sleep(KEPT_EVERY).await;
        let keys = keys.clone();
        let _ = tokio::task::spawn_blocking(move || keys.keep_counts()).await;
    }
}

/// Listens; where nobody is asked who they are, on this machine alone.
pub(crate) async fn listen(address: SocketAddr, asks_who: bool) -> Result<(TcpListener, SocketAddr), ListenError> {
    if !asks_who && !address.ip().is_loopback() {
        return Err(ListenError::NeedsKey { address });
    }
    let failed = |source| ListenError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Takes connections, no more than the options say, and serves them until `shutdown` is ready. Then they and what else is `under_way`
/// have the options' grace to end.
pub(crate) async fn serve<A>(
    listener: TcpListener,
    answer: impl Fn(Request, Peer) -> A + Clone + Send + 'static,
    options: &GatewayOptions,
    shutdown: impl Future<Output = ()>,
    under_way: impl Future<Output = ()>,
) where
    A: Future<Output = Response> + Send + 'static,
{
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
    let builder = Arc::new(builder);
    let connections = GracefulShutdown::new();
    let addresses = Arc::new(Addresses { counts: Mutex::default(), most: options.connections_per_address });
    tokio::pin!(shutdown);
    loop {
        let place = places.clone().acquire_owned();
        let taken = tokio::select! {
            () = &mut shutdown => break,
            taken = async { (place.await, listener.accept().await) } => taken,
        };
        let (Ok(place), accepted) = taken else { break };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(_) => {
                tokio::time::sleep(PAUSE).await; // too many open files, or a client that is gone already
                continue;
            }
        };
        let Some(counted) = addresses.clone().take(address.ip()) else {
            tracing::warn!(%address, "too many connections of one address");
            continue;
        };
        let _ = stream.set_nodelay(true); // answers are small; a socket that cannot is served all the same
        let watcher = connections.watcher();
        let (builder, answer, tls, time) = (builder.clone(), answer.clone(), options.tls.clone(), options.header_time);
        tokio::spawn(async move {
            match tls {
                None => {
                    let peer = Peer { address, certificate: None };
                    serve_one(&builder, answer, Beginning::new(stream, time), peer, watcher).await;
                }
                Some(tls) => match tls.accept(stream, time).await {
                    Ok((stream, certificate)) => {
                        let peer = Peer { address, certificate: certificate.map(Arc::new) };
                        serve_one(&builder, answer, Beginning::new(stream, time), peer, watcher).await;
                    }
                    Err(error) => tracing::debug!(%address, %error, "a connection was not encrypted"),
                },
            }
            drop((place, counted));
        });
    }
    drop(listener);
    let all = async { tokio::join!(connections.shutdown(), under_way) };
    let _ = tokio::time::timeout(options.grace, all).await;
}

/// Serves a connection until one of both ends it.
async fn serve_one<S, A>(
    builder: &Builder<TokioExecutor>,
    answer: impl Fn(Request, Peer) -> A + Send + 'static,
    stream: S,
    peer: Peer,
    watcher: Watcher,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Future<Output = Response> + Send + 'static,
{
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let response = answer(request.map(Body::new), peer.clone());
        async { Ok::<_, Infallible>(response.await) }
    });
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
    let _ = watcher.watch(connection).await; // a client that breaks off concerns nobody else
}

/// How many connections each network has. One machine shall not take every place.
struct Addresses {
    counts: Mutex<HashMap<IpAddr, usize>>,
    most: usize,
}

/// A connection that is counted until this is dropped.
struct CountedConnection(Arc<Addresses>, IpAddr);

impl Addresses {
    fn take(self: Arc<Self>, address: IpAddr) -> Option<CountedConnection> {
        let address = network_of(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if *count >= self.most && !address.is_loopback() {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(CountedConnection(self, address))
    }
}

impl Drop for CountedConnection {
    fn drop(&mut self) {
        let mut counts = self.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_so_many_connections() {
        let addresses = Arc::new(Addresses { counts: Mutex::default(), most: 2 });
        let take = |address: &str| addresses.clone().take(address.parse().expect("an address"));
        let two = (take("10.0.0.1"), take("10.0.0.1"));
        assert!(two.0.is_some() && two.1.is_some() && take("10.0.0.1").is_none() && take("10.0.0.2").is_some());
        drop(two);
        assert!(take("10.0.0.1").is_some());
        let network = (take("2001:db8::1"), take("2001:db8::2"));
        assert!(network.1.is_some() && take("2001:db8::3").is_none(), "one machine has all addresses of a network");
        drop(network);
        let many: Vec<_> = (0..5).map(|_| take("127.0.0.1")).collect();
        assert!(many.iter().all(Option::is_some), "this machine may be a proxy for all");
        drop(many);
        assert!(addresses.counts.lock().expect("unharmed").is_empty());
    }
}
