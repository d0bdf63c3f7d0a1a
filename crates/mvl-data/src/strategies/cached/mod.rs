//! Records that were fetched once are kept: in memory, or in a folder that several processes share.

mod disk_store;
mod entry;
mod identity;
mod keeping;
mod ledger;
mod memory_store;
mod statistics;
mod store;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use mvl_core::{DataError, DataLoadStrategy, Dataset, EpochPlan, ItemIter, MemoryPool};

use disk_store::DiskStore;
use identity::{Form, Identity};
use keeping::Keeping;
use memory_store::MemoryStore;
use statistics::Counters;
pub use statistics::{CacheMonitor, CacheStatistics};
use store::Store;

/// Keeps records (image files, or by [choice](Self::decoded) their pixels), then loads with `S`.
///
/// # What is kept
/// What comes first stays, until the budget is used up; nothing is put out for something newer. An epoch comes to each item once, so
/// the item that was not used for longest is the one that is needed soonest: a cache of the last used items would give next to
/// nothing when it is smaller than the data set, while this one answers for as much of every epoch as it holds. Errors are not
/// kept. Data sets without records pass through.
///
/// # Whose records they are
/// A record is known by the name given to the cache, the data set's length, its index, and its location where it has one, with
/// its checksum; on disk, without a checksum, by its file's size and time of change too. So a changed file is read again, and two data
/// sets never mix, unless they have the same name and length, and no locations or the same ones. Annotations are part of a
/// record: **data sets that say different things about the same files, or have no locations, need names of their own.** Without a
/// name it is "", which is enough for a cache in memory that one data set uses.
///
/// # Order
/// Around [`MemoryMapped`](super::MemoryMapped) or `Streaming` a cache leaves to them what it lacks and keeps what they bring; what it
/// has they do not read, and not read ahead. It may as well be inside of `MemoryMapped`; inside of `Streaming` everything is
/// read ahead, and records have no locations.
///
/// # Example
/// ```
/// use mvl_core::Order;
/// use mvl_data::{Cached, Parallel};
/// let strategy = Cached::in_memory(512 << 20, Parallel::new(4)).decoded();
/// let monitor = strategy.monitor(); // the strategy goes to a loader, the monitor stays
/// assert_eq!(monitor.statistics().hits, 0);
/// ```
///
/// # Source
/// J. Mohan, A. Phanishayee, A. Raniwala, V. Chidambaram, Analyzing and Mitigating Data Stalls in DNN Training, 2021,
/// <https://arxiv.org/abs/2007.06775> (MinIO, a cache that puts nothing out).
pub struct Cached<S> {
    inner: S,
    name: Arc<str>,
    form: Form,
    store: Arc<Store>,
    counters: Arc<Counters>,
}

impl<S: fmt::Debug> fmt::Debug for Cached<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached")
            .field("name", &self.name)
            .field("form", &self.form)
            .field("statistics", &self.monitor().statistics())
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<S> Cached<S> {
    /// Keeps at most so many bytes of records in memory. They are gone with the strategy.
    #[must_use]
    pub fn in_memory(bytes: usize, inner: S) -> Self {
        Self::in_pool(&MemoryPool::new(bytes), inner)
    }

    /// Keeps records in memory for as long as the pool has room, under the name `cache`.
    #[must_use]
    pub fn in_pool(pool: &MemoryPool, inner: S) -> Self {
        Self::new(Store::Memory(MemoryStore::new(pool)), "", inner)
    }

    /// Keeps records as files in a folder, which has at most so many bytes, and stays.
    ///
    /// The folder may be shared by data sets and by processes at the same time; files are written whole, have checksums, and are read
    /// through memory maps. So processes of one host that keep decoded images hold them once, in the page cache; in a folder of
    /// [`SharedMemory`](mvl_core::SharedMemory) they are in memory and nowhere else. A damaged file is deleted and its record fetched
    /// again. When the folder is full, records of data sets that nobody has used for ten minutes give way. Where a file cannot be
    /// written, loading goes on without; see [`CacheStatistics::failed_writes`].
    ///
    /// # Errors
    /// [`DataError::Io`] when the folder cannot be made or used.
    pub fn on_disk(
        folder: impl Into<PathBuf>,
        bytes: u64,
        name: impl Into<Arc<str>>,
        inner: S,
    ) -> Result<Self, DataError> {
        Ok(Self::new(Store::Disk(DiskStore::open(folder.into(), bytes)?), name, inner))
    }

    fn new(store: Store, name: impl Into<Arc<str>>, inner: S) -> Self {
        let (store, counters) = (Arc::new(store), Arc::default());
        Self { inner, name: name.into(), form: Form::AsFetched, store, counters }
    }

    /// Names the data set, see above.
    #[must_use]
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Keeps pixels in place of image files: several times the bytes, but a hit decodes nothing.
    #[must_use]
    pub fn decoded(mut self) -> Self {
        self.form = Form::Decoded;
        self
    }

    /// Tells how the cache does, also after the strategy was handed over to a loader.
    #[must_use]
    pub fn monitor(&self) -> CacheMonitor {
        CacheMonitor { store: self.store.clone(), counters: self.counters.clone() }
    }
}

impl<I: Send + 'static, S: DataLoadStrategy<I>> DataLoadStrategy<I> for Cached<S> {
    fn load(&self, dataset: Arc<dyn Dataset<I>>, plan: EpochPlan) -> Result<ItemIter<I>, DataError> {
        let identity = Identity { name: self.name.clone(), form: self.form, len: dataset.len() };
        self.store.begin_epoch(&identity);
        let (store, counters) = (self.store.clone(), self.counters.clone());
        self.inner.load(Arc::new(Keeping { dataset, store, counters, identity }), plan)
    }
}
