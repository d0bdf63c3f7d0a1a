//! Records in memory, within a pool's budget.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;
use mvl_core::{ByteSize, EncodedSample, MemoryPool, Record, Reservation};

use super::identity::Place;

/// The pool's name for what is kept here.
const RESERVED_AS: &str = "cache";
/// What an entry takes beside its record, about.
const BYTES_AN_ENTRY: usize = 64;

/// A record with what tells whether it is still the one that is wanted, by its data set and its place there.
type Records = HashMap<([u8; 16], usize), ([u8; 16], Record)>;

/// A table of records. Whoever reads waits only for whoever puts something in.
#[derive(Debug)]
pub(super) struct MemoryStore {
    records: RwLock<Records>,
    pool: MemoryPool,
    reserved: Mutex<Reservation>,
}

impl MemoryStore {
    pub(super) fn new(pool: &MemoryPool) -> Self {
        let nothing = pool.reserve(RESERVED_AS, 0).expect("nothing is never over a budget");
        Self { records: RwLock::default(), pool: pool.clone(), reserved: Mutex::new(nothing) }
    }

    pub(super) fn get(&self, place: &Place) -> Option<Record> {
        let records = self.records.read().unwrap_or_else(PoisonError::into_inner);
        let (origin, record) = records.get(&(place.dataset, place.index))?;
        (*origin == place.origin).then(|| record.clone())
    }

    /// Keeps a record if there is room, and none from elsewhere in its place.
    pub(super) fn put(&self, place: &Place, record: &Record) {
        let mut reserved = self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (place.dataset, place.index);
        if self.records.read().unwrap_or_else(PoisonError::into_inner).contains_key(&key) {
            return;
        }
        let bytes = record.byte_size() + BYTES_AN_ENTRY;
        let total = reserved.bytes().saturating_add(bytes);
        if reserved.resize(total).is_err() {
            return;
        }
        let entry = (place.origin, on_its_own(record));
        self.records.write().unwrap_or_else(PoisonError::into_inner).insert(key, entry);
    }

    pub(super) fn usage(&self) -> (u64, u64) {
        let reserved = self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        (reserved.bytes() as u64, self.pool.budget() as u64)
    }
}

/// A record that keeps no more alive than itself: its bytes may be a slice of a whole shard.
fn on_its_own(record: &Record) -> Record {
    match record {
        Record::Encoded(sample) => Record::Encoded(Arc::new(EncodedSample {
            bytes: Bytes::copy_from_slice(&sample.bytes),
            annotations: sample.annotations.clone(),
            source: sample.source.clone(),
        })),
        other => other.clone(),
    }
}
