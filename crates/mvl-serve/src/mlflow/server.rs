//! [`serve`]: listens, serves, and ends when it is told to.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use mvl_core::DataError;
use mvl_track::TrackError;
use tokio::net::TcpListener;

use super::{ServeOptions, router};
use crate::gateway::{self, GatewayOptions, ListenError, listen};

/// How long requests that are under way may take once the server ends.
const GRACE: Duration = Duration::from_secs(10);

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// It cannot listen where it was to.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The database cannot be opened.
    #[error("cannot open the tracker")]
    Tracker(#[source] TrackError),
    /// The store of artifacts cannot be opened.
    #[error("cannot open the store of artifacts")]
    Artifacts(#[source] DataError),
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
    /// [`ServeError::Listen`], also for an address that others reach, without a key; [`ServeError::Tracker`] without a place for files.
    pub async fn bind(options: ServeOptions) -> Result<Self, ServeError> {
        options.tracker.blobs().map_err(ServeError::Tracker)?;
        let (listener, address) = listen(options.address, !options.keys.is_empty()).await?;
        Ok(Self { listener, address, options })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is ready; then requests that are under way have ten seconds to end.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let limits = GatewayOptions { grace: GRACE, ..GatewayOptions::default() };
        let router = router(self.options);
        let answer = move |request, _| gateway::call(router.clone(), request);
        gateway::serve(self.listener, answer, &limits, shutdown, std::future::ready(())).await;
    }
}

/// Listens and serves until `shutdown` is ready.
///
/// # Errors
/// As [`Server::bind`].
pub async fn serve(options: ServeOptions, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
    Server::bind(options).await?.run(shutdown).await;
    Ok(())
}
