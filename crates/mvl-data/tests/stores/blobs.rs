//! A data set of bytes, in objects of their own or one after the other in a large one.

use std::collections::BTreeMap;

use bytes::Bytes;
use mvl_core::{DataError, Dataset, EncodedSample, Fetch, Location, Record, SampleKey, SampleRng};

/// Records of random bytes. Each lies at its location below `base`, and read in the plainest way they come out of memory.
pub(crate) struct Blobs {
    pub(crate) base: String,
    records: Vec<Vec<u8>>,
    /// All records in one object, with rubbish between them.
    packed: bool,
    /// Whether locations have checksums.
    pub(crate) checked: bool,
}

/// What lies between packed records.
const GAP_BYTES: usize = 100;

impl Blobs {
    /// Records of these sizes.
    pub(crate) fn new(sizes: impl IntoIterator<Item = usize>, packed: bool) -> Self {
        let mut rng = SampleRng::new([5; 4]);
        let records = sizes.into_iter().map(|size| (0..size).map(|_| rng.next_u64() as u8).collect()).collect();
        Self { base: String::new(), records, packed, checked: true }
    }

    /// The objects by their keys.
    pub(crate) fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        if !self.packed {
            return self
                .records
                .iter()
                .enumerate()
                .map(|(index, record)| (format!("{index}.bin"), record.clone()))
                .collect();
        }
        let gap = vec![0xEE; GAP_BYTES];
        let all = self.records.iter().flat_map(|record| [record.as_slice(), &gap].concat()).collect();
        BTreeMap::from([("all.bin".to_owned(), all)])
    }

    /// Puts the data set where its objects lie.
    pub(crate) fn at(self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self }
    }

    fn item(&self, index: usize) -> Result<&Vec<u8>, DataError> {
        self.records.as_slice().get(index).ok_or_else(|| DataError::invalid("past the end"))
    }
}

impl Dataset<Vec<u8>> for Blobs {
    fn len(&self) -> usize {
        self.records.as_slice().len()
    }

    fn get(&self, key: SampleKey) -> Result<Vec<u8>, DataError> {
        self.make(key, self.fetch(key.index)?, &|index| self.fetch(index))
    }

    fn location(&self, index: usize) -> Option<Location> {
        let record = self.records.as_slice().get(index)?;
        let crc32c = self.checked.then(|| crc32c::crc32c(record));
        if !self.packed {
            return Some(Location { crc32c, ..Location::whole(format!("{}/{index}.bin", self.base)) });
        }
        let start: usize = self.records[..index].iter().map(|record| record.len() + GAP_BYTES).sum();
        let range = Some(start as u64..(start + record.len()) as u64);
        Some(Location { object: format!("{}/all.bin", self.base).into(), range, crc32c })
    }

    fn record(&self, _index: usize, bytes: Bytes) -> Result<Record, DataError> {
        Ok(Record::encoded(EncodedSample { bytes, annotations: Default::default(), source: "blob".into() }))
    }

    fn fetch(&self, index: usize) -> Result<Record, DataError> {
        self.record(index, self.item(index)?.clone().into())
    }

    /// The record's bytes and a random number of the key's.
    fn make(&self, key: SampleKey, record: Record, _fetch: Fetch<'_>) -> Result<Vec<u8>, DataError> {
        let Record::Encoded(record) = record else { return Err(DataError::invalid("expected bytes")) };
        Ok([&record.bytes[..], &key.rng(0).next_u64().to_le_bytes()].concat())
    }
}
