//! Local files as memory: nothing is copied on the way in, and all processes of a host share one page cache.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use mvl_core::{DataError, DataLoadStrategy, Dataset, EpochPlan, ItemIter, Location, Record};
use mvl_kernels::map_file;

use super::fetching::Fetching;
use crate::decode::MAX_FILE_BYTES;

/// How many files that hold several records stay mapped at most.
const KEPT_MAPS: usize = 256;

/// Maps the files in which records lie, then loads with `S`.
///
/// A record that is a part of a file, as in a shard, is a slice of a map that stays open, up to 256 files at a time; one that is a
/// whole file is mapped for as long as it is in use. Where a location has a checksum it is checked once for each record and map.
/// Records with no location, at a URL, or of more than [`MAX_FILE_BYTES`] are fetched in the data set's own way; so are those that
/// cannot be mapped or whose checksum is wrong, as the data set knows best what to say about them.
///
/// Files must not be written in place or shortened meanwhile: that changes records, or ends the process, see
/// [`map_file`](mvl_kernels::map_file). Files that are replaced whole are safe.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use mvl_core::{DataLoadStrategy, EpochPlan, Order};
/// use mvl_data::{MemoryMapped, Sequential};
/// let strategy = MemoryMapped::new(Sequential);
/// let items = strategy.load(Arc::new(vec![5_usize, 6]), EpochPlan::new(2, Order::Sequential))?;
/// assert_eq!(items.collect::<Result<Vec<_>, _>>()?, [5, 6]); // these lie in no file
/// # Ok::<(), mvl_core::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct MemoryMapped<S> {
    inner: S,
    maps: Arc<Maps>,
}

impl<S> MemoryMapped<S> {
    /// Maps files for this strategy.
    #[must_use]
    pub fn new(inner: S) -> Self {
        Self { inner, maps: Arc::default() }
    }
}

impl<I: Send + 'static, S: DataLoadStrategy<I>> DataLoadStrategy<I> for MemoryMapped<S> {
    fn load(&self, dataset: Arc<dyn Dataset<I>>, plan: EpochPlan) -> Result<ItemIter<I>, DataError> {
        let maps = self.maps.clone();
        let fetch = move |dataset: &dyn Dataset<I>, index: usize| fetch(&maps, dataset, index);
        self.inner.load(Arc::new(Fetching::new(dataset, fetch)), plan)
    }
}

fn fetch<I>(maps: &Maps, dataset: &dyn Dataset<I>, index: usize) -> Result<Record, DataError> {
    let location = dataset.location(index).filter(|location| !location.is_url());
    match location.and_then(|location| maps.read(&location)) {
        Some(bytes) => dataset.record(index, bytes),
        None => dataset.fetch(index),
    }
}

/// The maps that are open.
#[derive(Debug, Default)]
struct Maps(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    files: HashMap<Arc<str>, (u64, Arc<MappedFile>)>,
    /// Counts the uses, to tell which map was used last.
    clock: u64,
}

impl Maps {
    /// The bytes at a place in a local file; `None` where this strategy cannot have them.
    fn read(&self, location: &Location) -> Option<Bytes> {
        match location.range {
            Some(_) => self.kept(&location.object)?.read(location),
            None => MappedFile::open(&location.object)?.read(location),
        }
    }

    /// A map that stays open; the one that was not used for longest goes when there are too many.
    fn kept(&self, object: &Arc<str>) -> Option<Arc<MappedFile>> {
        if let Some(file) = self.lock().used(object) {
            return Some(file);
        }
        let opened = Arc::new(MappedFile::open(object)?); // not under the lock: it may take long
        Some(self.lock().keep(object, opened))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn used(&mut self, object: &str) -> Option<Arc<MappedFile>> {
        self.clock += 1;
        let (used, file) = self.files.get_mut(object)?;
        *used = self.clock;
        Some(file.clone())
    }

    /// Keeps a map, unless another thread was quicker.
    fn keep(&mut self, object: &Arc<str>, opened: Arc<MappedFile>) -> Arc<MappedFile> {
        if let Some(file) = self.used(object) {
            return file;
        }
        if self.files.len() >= KEPT_MAPS {
            let oldest = self.files.iter().min_by_key(|(_, (used, _))| *used).map(|(object, _)| object.clone());
            oldest.and_then(|object| self.files.remove(&object));
        }
        self.files.insert(object.clone(), (self.clock, opened.clone()));
        opened
    }
}

/// A file, and which of its records were found to be whole.
#[derive(Debug)]
struct MappedFile {
    bytes: Bytes,
    checked: Mutex<HashSet<(Range<u64>, u32)>>,
}

impl MappedFile {
    fn open(object: &str) -> Option<Self> {
        let bytes = map_file(Path::new(object)).ok()?;
        Some(Self { bytes, checked: Mutex::default() })
    }

    fn read(&self, location: &Location) -> Option<Bytes> {
        let len = self.bytes.len() as u64;
        let range = location.range.clone().unwrap_or(0..len);
        if range.start > range.end || range.end > len || range.end - range.start > MAX_FILE_BYTES {
            return None;
        }
        let bytes = self.bytes.slice(range.start as usize..range.end as usize); // both are at most the file's length
        let Some(crc32c) = location.crc32c else { return Some(bytes) };
        let record = (range, crc32c);
        if !self.checked().contains(&record) {
            if crc32c::crc32c(&bytes) != crc32c {
                return None;
            }
            self.checked().insert(record);
        }
        Some(bytes)
    }

    fn checked(&self) -> MutexGuard<'_, HashSet<(Range<u64>, u32)>> {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(object: &str, range: Range<u64>, crc32c: Option<u32>) -> Location {
        Location { object: object.into(), range: Some(range), crc32c }
    }

    #[test]
    fn parts_are_slices_and_their_checksums_are_checked() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), b"cat and dog").expect("written");
        let path = file.path().to_str().expect("UTF-8");
        let maps = Maps::default();
        let read = |range, crc| maps.read(&part(path, range, crc));
        assert_eq!(read(8..11, Some(crc32c::crc32c(b"dog"))).expect("whole"), "dog");
        assert_eq!(read(0..3, None).expect("unchecked"), "cat");
        assert_eq!(read(0..3, Some(7)), None, "another checksum");
        assert_eq!(read(8..12, None), None, "too long");
        #[expect(clippy::reversed_empty_ranges, reason = "an index may be damaged")]
        let backwards = read(5..2, None);
        assert_eq!(backwards, None);
        assert_eq!(maps.lock().files.len(), 1);
        assert_eq!(maps.read(&Location::whole(path)).expect("there"), "cat and dog");
        assert_eq!(maps.read(&Location::whole("no/such/file")), None);
    }

    #[test]
    fn few_files_stay_open_and_the_last_used_ones_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |number: usize| folder.path().join(number.to_string()).to_str().expect("UTF-8").to_owned();
        let maps = Maps::default();
        for number in 0..=KEPT_MAPS {
            std::fs::write(path(number), [number as u8]).expect("written");
            maps.read(&part(&path(number), 0..1, None)).expect("there");
            maps.read(&part(&path(0), 0..1, None)).expect("there");
        }
        let kept = maps.lock();
        let has = |number| kept.files.contains_key(path(number).as_str());
        assert_eq!((kept.files.len(), has(0), has(1), has(2), has(KEPT_MAPS)), (KEPT_MAPS, true, false, true, true));
    }
}
