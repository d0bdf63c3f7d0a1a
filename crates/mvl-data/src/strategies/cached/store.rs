//! Where records are kept: one of two places.

use mvl_core::{Location, Record};

use super::disk_store::DiskStore;
use super::identity::{Identity, Place, file_stamp};
use super::memory_store::MemoryStore;
use super::statistics::Counters;

/// Memory or a folder.
#[derive(Debug)]
pub(super) enum Store {
    Memory(MemoryStore),
    Disk(DiskStore),
}

impl Store {
    pub(super) fn begin_epoch(&self, identity: &Identity) {
        match self {
            Self::Memory(_) => {}
            Self::Disk(store) => store.begin_epoch(identity),
        }
    }

    /// What outlives the process must be told from what a file held before.
    pub(super) fn place(&self, identity: &Identity, index: usize, location: Option<&Location>) -> Place {
        match self {
            Self::Memory(_) => identity.place(index, location, None),
            Self::Disk(_) => identity.place(index, location, location.and_then(file_stamp)),
        }
    }

    /// Whether a record is there, as far as that can be told without reading it.
    pub(super) fn holds(&self, place: &Place) -> bool {
        match self {
            Self::Memory(store) => store.get(place).is_some(),
            Self::Disk(store) => store.holds(place),
        }
    }

    pub(super) fn get(&self, place: &Place, counters: &Counters) -> Option<Record> {
        match self {
            Self::Memory(store) => store.get(place),
            Self::Disk(store) => store.get(place, counters),
        }
    }

    pub(super) fn put(&self, place: &Place, record: &Record, counters: &Counters) {
        match self {
            Self::Memory(store) => store.put(place, record),
            Self::Disk(store) => store.put(place, record, counters),
        }
    }

    /// Bytes that are used, and that may be.
    pub(super) fn usage(&self) -> (u64, u64) {
        match self {
            Self::Memory(store) => store.usage(),
            Self::Disk(store) => store.usage(),
        }
    }
}
