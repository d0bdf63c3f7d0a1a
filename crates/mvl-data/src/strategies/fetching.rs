//! A data set whose records come another way than its own: what strategies put between a data set and its store.

use std::sync::Arc;

use bytes::Bytes;
use mvl_core::{DataError, Dataset, Fetch, Location, Record, SampleKey};

/// The items of `dataset`, with `fetch` in place of its own way to records. `fetch` gets the data set to fall back on.
pub(super) struct Fetching<I, F> {
    dataset: Arc<dyn Dataset<I>>,
    fetch: F,
    tells_locations: bool,
}

impl<I, F> Fetching<I, F>
where
    F: Fn(&dyn Dataset<I>, usize) -> Result<Record, DataError> + Send + Sync,
{
    pub(super) fn new(dataset: Arc<dyn Dataset<I>>, fetch: F) -> Self {
        Self { dataset, fetch, tells_locations: true }
    }

    /// Leaves whoever wraps this one no way around `fetch`: items have no location any more.
    #[cfg(any(test, feature = "remote"))]
    pub(super) fn without_locations(mut self) -> Self {
        self.tells_locations = false;
        self
    }
}

impl<I, F> Dataset<I> for Fetching<I, F>
where
    F: Fn(&dyn Dataset<I>, usize) -> Result<Record, DataError> + Send + Sync,
{
    fn len(&self) -> usize {
        self.dataset.len()
    }

    fn get(&self, key: SampleKey) -> Result<I, DataError> {
        self.dataset.make(key, self.fetch(key.index)?, &|index| self.fetch(index))
    }

    fn location(&self, index: usize) -> Option<Location> {
        self.dataset.location(index).filter(|_| self.tells_locations)
    }

    fn record(&self, index: usize, bytes: Bytes) -> Result<Record, DataError> {
        self.dataset.record(index, bytes)
    }

    fn fetch(&self, index: usize) -> Result<Record, DataError> {
        (self.fetch)(&*self.dataset, index)
    }

    fn make(&self, key: SampleKey, record: Record, fetch: Fetch<'_>) -> Result<I, DataError> {
        self.dataset.make(key, record, fetch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mvl_core::EncodedSample;

    /// An item is the first byte of its record and of the next item's.
    struct Pairs;

    fn record(byte: u8) -> Record {
        Record::encoded(EncodedSample {
            bytes: vec![byte].into(),
            annotations: Default::default(),
            source: "memory".into(),
        })
    }

    fn byte(record: &Record) -> u8 {
        match record {
            Record::Encoded(sample) => sample.bytes[0],
            other => panic!("expected bytes, got {other:?}"),
        }
    }

    impl Dataset<(u8, u8)> for Pairs {
        fn len(&self) -> usize {
            3
        }

        fn get(&self, key: SampleKey) -> Result<(u8, u8), DataError> {
            self.make(key, self.fetch(key.index)?, &|index| self.fetch(index))
        }

        fn location(&self, index: usize) -> Option<Location> {
            Some(Location::whole(index.to_string()))
        }

        fn fetch(&self, index: usize) -> Result<Record, DataError> {
            Ok(record(index as u8))
        }

        fn make(&self, key: SampleKey, record: Record, fetch: Fetch<'_>) -> Result<(u8, u8), DataError> {
            Ok((byte(&record), byte(&fetch((key.index + 1) % 3)?)))
        }
    }

    #[test]
    fn items_and_their_partners_come_by_the_other_way() {
        let first =
            Fetching::new(Arc::new(Pairs), |pairs: &dyn Dataset<_>, index| Ok(record(10 + byte(&pairs.fetch(index)?))));
        assert_eq!(first.get(SampleKey::plain(2)).expect("two bytes"), (12, 10));
        assert_eq!(first.location(1), Some(Location::whole("1")));
        let second = Fetching::new(Arc::new(first), |first: &dyn Dataset<_>, index| {
            Ok(record(100 + byte(&first.fetch(index)?)))
        });
        let second = second.without_locations();
        assert_eq!(second.get(SampleKey::plain(0)).expect("two bytes"), (110, 111));
        assert_eq!(second.location(1), None);
    }
}
