//! [`App`]: what every handler can reach.

use std::sync::Arc;

use mvl_track::{Registry, Tracker};
use tokio::sync::{Mutex, MutexGuard};

use super::files::Files;
use super::{ApiKeys, Limits, Log, ServeOptions};

/// What every handler can reach. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct App {
    pub(super) tracker: Tracker,
    pub(super) registry: Registry,
    pub(super) files: Files,
    pub(super) keys: ApiKeys,
    pub(super) limits: Limits,
    pub(super) log: Log,
    lists: Arc<Mutex<()>>,
}

impl App {
    pub(super) fn new(options: ServeOptions) -> Self {
        let ServeOptions { tracker, registry, address: _, keys, limits, spool, log } = options;
        let files = Files::new(tracker.clone(), spool);
        Self { tracker, registry, files, keys, limits, log, lists: Arc::default() }
    }

    /// MLflow keeps some lists inside tags. Whoever adds to one holds this from reading to writing.
    pub(super) async fn list_in_a_tag(&self) -> MutexGuard<'_, ()> {
        self.lists.lock().await
    }
}
