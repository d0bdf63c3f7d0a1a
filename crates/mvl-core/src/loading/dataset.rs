//! What is loaded.

use std::sync::Arc;

use bytes::Bytes;

use crate::{DataError, Location, Record, SampleKey};

/// Gets the record of another item, for items that are made of several.
pub type Fetch<'a> = &'a (dyn Fn(usize) -> Result<Record, DataError> + 'a);

/// A finite collection of items that can be made in any order, from any thread.
///
/// [`len`](Self::len) and [`get`](Self::get) are all that a data set of your own needs. One that also tells its items' records
/// (what is the same in every epoch) apart from the items (decoded and augmented anew) can be cached, memory-mapped and
/// streamed: `get` is then `make(key, fetch(key.index)?, …)`, and strategies put their own way of fetching in between.
pub trait Dataset<I>: Send + Sync {
    /// How many items there are.
    fn len(&self) -> usize;

    /// Makes one item: a pure function of the key.
    ///
    /// # Errors
    /// [`DataError`] with the item's place, when its bytes cannot be read or its index is past the end.
    fn get(&self, key: SampleKey) -> Result<I, DataError>;

    /// Where the bytes of an item's record lie; `None` where they lie nowhere, or past the end.
    fn location(&self, index: usize) -> Option<Location> {
        let _ = index;
        None
    }

    /// The record of an item, from the bytes at its [`location`](Self::location), moved here by whoever asks.
    ///
    /// # Errors
    /// [`DataError`] when they are not what they should be.
    fn record(&self, index: usize, bytes: Bytes) -> Result<Record, DataError> {
        let _ = (index, bytes);
        Ok(Record::Nothing)
    }

    /// The record of an item, read in the plainest way.
    ///
    /// # Errors
    /// [`DataError`] when it cannot be read or its index is past the end.
    fn fetch(&self, index: usize) -> Result<Record, DataError> {
        let _ = index;
        Ok(Record::Nothing)
    }

    /// Makes one item from its record; `fetch` gets those of others. A record may come from
    /// [`fetch`](Self::fetch), from [`record`](Self::record), or decoded out of a cache, all with the same result.
    ///
    /// # Errors
    /// [`DataError`] with the item's place.
    fn make(&self, key: SampleKey, record: Record, fetch: Fetch<'_>) -> Result<I, DataError> {
        let _ = (record, fetch);
        self.get(key)
    }

    /// Whether [`make`](Self::make) does nothing but decode the record, so that whoever needs a part of a picture may decode that
    /// part alone.
    fn only_decodes(&self) -> bool {
        false
    }

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<I, D: Dataset<I> + ?Sized> Dataset<I> for Arc<D> {
    fn len(&self) -> usize {
        (**self).len()
    }

    fn get(&self, key: SampleKey) -> Result<I, DataError> {
        (**self).get(key)
    }

    fn location(&self, index: usize) -> Option<Location> {
        (**self).location(index)
    }

    fn record(&self, index: usize, bytes: Bytes) -> Result<Record, DataError> {
        (**self).record(index, bytes)
    }

    fn fetch(&self, index: usize) -> Result<Record, DataError> {
        (**self).fetch(index)
    }

    fn make(&self, key: SampleKey, record: Record, fetch: Fetch<'_>) -> Result<I, DataError> {
        (**self).make(key, record, fetch)
    }

    fn only_decodes(&self) -> bool {
        (**self).only_decodes()
    }
}

/// Items that are already in memory.
impl<I: Clone + Send + Sync> Dataset<I> for Vec<I> {
    fn len(&self) -> usize {
        self.as_slice().len()
    }

    fn get(&self, key: SampleKey) -> Result<I, DataError> {
        let len = self.as_slice().len();
        let item = self.as_slice().get(key.index).cloned();
        item.ok_or_else(|| DataError::invalid(format!("index {} is past the end of {len} items", key.index)))
    }
}
