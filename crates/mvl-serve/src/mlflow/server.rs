//! [`serve`]: listens, serves, and ends when it is told to.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::serve::ListenerExt;
use mvl_core::DataError;
use mvl_track::TrackError;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::{ServeOptions, router};

/// How long requests that are under way may take once the server ends.
const GRACE: Duration = Duration::from_secs(10);

/// Why a server did not start, or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Without a key anybody who reaches the server may read and write, so it serves this machine alone.
    #[error(
        "cannot listen on {address} without an API key: anybody who reaches it could read and write; give a key, or listen on 127.0.0.1"
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
        source: std::io::Error,
    },
    /// The database cannot be opened.
    #[error("cannot open the tracker")]
    Tracker(#[source] TrackError),
    /// The store of artifacts cannot be opened.
    #[error("cannot open the store of artifacts")]
    Artifacts(#[source] DataError),
    /// Connections can no longer be taken.
    #[error("the server ended")]
    Ended(#[source] std::io::Error),
}

/// A server that listens and does not serve yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    options: ServeOptions,
}

impl Server {
    /// Listens.
    ///
    /// # Errors
    /// [`ServeError::NeedsKey`] for an address that others reach, without a key; [`ServeError::Listen`].
    pub async fn bind(options: ServeOptions) -> Result<Self, ServeError> {
        let address = options.address;
        if options.keys.is_empty() && !address.ip().is_loopback() {
            return Err(ServeError::NeedsKey { address });
        }
        options.tracker.blobs().map_err(ServeError::Tracker)?;
        let failed = |source| ServeError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, options })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is ready; then requests that are under way have ten seconds to end.
    ///
    /// # Errors
    /// [`ServeError::Ended`].
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<(), ServeError> {
        let (told, ending) = oneshot::channel();
        let until = async move {
            shutdown.await;
            let _ = told.send(()); // nobody waits any more: it has ended
        };
        // Answers are small and wait for nothing to be sent with.
        let listener = self.listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let served = axum::serve(listener, router(self.options)).with_graceful_shutdown(until).into_future();
        let too_long = async move {
            match ending.await {
                Ok(()) => tokio::time::sleep(GRACE).await,
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = served => ended.map_err(ServeError::Ended),
            () = too_long => Ok(()),
        }
    }
}

/// Listens and serves until `shutdown` is ready.
///
/// # Errors
/// As [`Server::bind`] and [`Server::run`].
pub async fn serve(
    options: ServeOptions,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    Server::bind(options).await?.run(shutdown).await
}
