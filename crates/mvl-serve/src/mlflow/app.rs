//! [`App`]: what every handler can reach.

use mvl_track::{Registry, Tracker};

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
}

impl App {
    pub(super) fn new(options: ServeOptions) -> Self {
        let ServeOptions { tracker, registry, address: _, keys, limits, spool, log } = options;
        let files = Files::new(tracker.clone(), spool);
        Self { tracker, registry, files, keys, limits, log }
    }
}
