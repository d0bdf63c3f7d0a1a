//! How a cache does.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::store::Store;

/// What a cache has answered, and how full it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CacheStatistics {
    /// Records that were there.
    pub hits: u64,
    /// Records that had to be fetched.
    pub misses: u64,
    /// Bytes that are kept; on disk those of all who share the folder, as of the last write.
    pub bytes: u64,
    /// Bytes that may be kept.
    pub limit: u64,
    /// Files that were found damaged, deleted, and read again.
    pub damaged: u64,
    /// Records that could not be written, such as on a full disk.
    pub failed_writes: u64,
}

/// Looks at a [`Cached`](super::Cached) strategy from outside.
#[derive(Clone)]
pub struct CacheMonitor {
    pub(super) store: Arc<Store>,
    pub(super) counters: Arc<Counters>,
}

impl CacheMonitor {
    /// How the cache does now.
    #[must_use]
    pub fn statistics(&self) -> CacheStatistics {
        let (bytes, limit) = self.store.usage();
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters { hits, misses, damaged, failed_writes } = &*self.counters;
        CacheStatistics {
            hits: count(hits),
            misses: count(misses),
            bytes,
            limit,
            damaged: count(damaged),
            failed_writes: count(failed_writes),
        }
    }
}

impl fmt::Debug for CacheMonitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.statistics().fmt(f)
    }
}

/// Counted by worker threads.
#[derive(Debug, Default)]
pub(super) struct Counters {
    hits: AtomicU64,
    misses: AtomicU64,
    damaged: AtomicU64,
    failed_writes: AtomicU64,
}

impl Counters {
    pub(super) fn hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn miss(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn damaged(&self) {
        self.damaged.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn failed_write(&self) {
        self.failed_writes.fetch_add(1, Ordering::Relaxed);
    }
}
