//! A data set whose records are kept, whoever brings them.

use std::sync::Arc;

use bytes::Bytes;
use mvl_core::{DataError, Dataset, Fetch, Location, Record, SampleKey};

use super::identity::{Form, Identity, Place};
use super::statistics::Counters;
use super::store::Store;
use crate::decode::decode_record;

/// A data set with a store beside it.
pub(super) struct Keeping<I> {
    pub(super) dataset: Arc<dyn Dataset<I>>,
    pub(super) store: Arc<Store>,
    pub(super) counters: Arc<Counters>,
    pub(super) identity: Identity,
}

impl<I> Keeping<I> {
    fn place(&self, index: usize) -> Place {
        self.store.place(&self.identity, index, self.dataset.location(index).as_ref())
    }

    fn keep(&self, place: &Place, record: Record) -> Result<Record, DataError> {
        let record = match (record, self.identity.form) {
            (Record::Nothing, _) => return Ok(Record::Nothing),
            (record, Form::Decoded) => Record::decoded(decode_record(record)?),
            (record, Form::AsFetched) => record,
        };
        self.counters.miss();
        self.store.put(place, &record, &self.counters);
        Ok(record)
    }
}

impl<I> Dataset<I> for Keeping<I> {
    fn len(&self) -> usize {
        self.dataset.len()
    }

    fn get(&self, key: SampleKey) -> Result<I, DataError> {
        self.dataset.make(key, self.fetch(key.index)?, &|index| self.fetch(index))
    }

    /// What is kept lies nowhere else: so it is fetched from here, and not read around the store.
    fn location(&self, index: usize) -> Option<Location> {
        self.dataset.location(index).filter(|_| !self.store.holds(&self.place(index)))
    }

    fn record(&self, index: usize, bytes: Bytes) -> Result<Record, DataError> {
        self.keep(&self.place(index), self.dataset.record(index, bytes)?)
    }

    fn fetch(&self, index: usize) -> Result<Record, DataError> {
        let place = self.place(index);
        match self.store.get(&place, &self.counters) {
            Some(record) => {
                self.counters.hit();
                Ok(record)
            }
            None => self.keep(&place, self.dataset.fetch(index)?),
        }
    }

    fn make(&self, key: SampleKey, record: Record, fetch: Fetch<'_>) -> Result<I, DataError> {
        self.dataset.make(key, record, fetch)
    }
}
