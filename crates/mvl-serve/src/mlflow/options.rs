//! [`ServeOptions`]: what a server stands on, where it listens, whom it serves and how much it takes.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use mvl_store::{Blobs, StoreUrl};
use mvl_track::{Registry, Tracker};

use super::{ApiKeys, ServeError};

/// MLflow's own port.
const PORT: u16 = 5000;
/// Where the tracker says that artifacts lie: with whoever the client speaks to.
const PROXIED: &str = "mlflow-artifacts:/";
const MIB: u64 = 1 << 20;

/// How much one request may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest JSON body.
    pub json_bytes: u64,
    /// The largest artifact.
    pub artifact_bytes: u64,
}

impl Default for Limits {
    /// 32 MiB of JSON, which is twice MLflow's longest field, and 5 GiB for an artifact.
    fn default() -> Self {
        Self { json_bytes: 32 * MIB, artifact_bytes: 5 * 1024 * MIB }
    }
}

/// What hears of failures inside the server. Callers are told only that there was one.
#[derive(Clone)]
pub struct Log(Arc<dyn Fn(&str) + Send + Sync>);

impl Log {
    /// A log that hands every line to a function.
    pub fn new(hear: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hear))
    }

    pub(super) fn say(&self, line: &str) {
        (self.0)(line);
    }
}

impl Default for Log {
    /// Nobody hears.
    fn default() -> Self {
        Self::new(|_| {})
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}

/// What a server stands on, where it listens, whom it serves and how much it takes.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Experiments, runs, logged models, and with a place for blobs.
    pub tracker: Tracker,
    /// Registered models.
    pub registry: Registry,
    /// Where to listen; port 0 is any that is free. Without keys it must be of this machine alone.
    pub address: SocketAddr,
    /// Who may ask.
    pub keys: ApiKeys,
    /// How much one request may hold.
    pub limits: Limits,
    /// Where large uploads wait until they are whole.
    pub spool: PathBuf,
    /// What hears of failures.
    pub log: Log,
}

impl ServeOptions {
    /// A server for this machine alone, at MLflow's port, on a tracker and a registry in one database.
    pub fn new(tracker: Tracker, registry: Registry) -> Self {
        Self {
            tracker,
            registry,
            address: (Ipv4Addr::LOCALHOST, PORT).into(),
            keys: ApiKeys::default(),
            limits: Limits::default(),
            spool: std::env::temp_dir(),
            log: Log::default(),
        }
    }

    /// Opens a database (`sqlite:///PATH`, `postgres://…`) and the store of artifacts.
    ///
    /// # Errors
    /// [`ServeError::Tracker`] or [`ServeError::Artifacts`] when one of them cannot be opened.
    pub async fn open(database: &str, artifacts: &StoreUrl) -> Result<Self, ServeError> {
        let tracker = Tracker::open(database, PROXIED).await.map_err(ServeError::Tracker)?;
        let registry = Registry::new(tracker.database().clone());
        let tracker = tracker.with_blobs(Blobs::open(artifacts).map_err(ServeError::Artifacts)?);
        Ok(Self::new(tracker, registry))
    }

    /// Listens somewhere else.
    #[must_use]
    pub fn at(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    /// Asks for keys.
    #[must_use]
    pub fn with_keys(self, keys: ApiKeys) -> Self {
        Self { keys, ..self }
    }

    /// Takes more or less.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Tells somebody of failures.
    #[must_use]
    pub fn with_log(self, log: Log) -> Self {
        Self { log, ..self }
    }
}
