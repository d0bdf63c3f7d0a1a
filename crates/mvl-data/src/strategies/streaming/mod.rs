//! Data in an object store, fetched along the plan before it is asked for.

mod origin;
mod read_ahead;
mod run;

use std::sync::Arc;

use mvl_core::{DataError, DataLoadStrategy, Dataset, EpochPlan, ItemIter, Record};

use super::fetching::Fetching;
use mvl_store::RetryPolicy;
use origin::Origin;
use read_ahead::{Limits, ReadAhead};

/// How many bytes are read ahead, unless said otherwise.
pub(super) const DEFAULT_READ_AHEAD_BYTES: usize = 64 << 20;
/// How many requests are under way, unless said otherwise.
pub(super) const DEFAULT_REQUESTS: usize = 16;
/// What one request reads at most where it joins ranges; larger single records are read whole.
const MAX_REQUEST_BYTES: usize = 4 << 20;

/// Fetches records from where they lie ([`Dataset::location`]), ahead of the items that `S` makes of them.
///
/// The plan says what will be needed, so requests are started before anyone asks: as many at once as allowed, for as long as what
/// waits stays within the budget. Neighbouring ranges of one object that the plan reads in sequence, as in a shard, come in one
/// request. What fails on the way is asked for again, as the [`RetryPolicy`] says. Dropping the iterator ends all requests.
///
/// The budget is exceeded only by what a whole object is larger than all before it, once for each request under way, and by a
/// record larger than the whole budget, which then comes alone. Items that are not part of the plan, such as partners to mix with,
/// and records with no location are fetched when they are asked for. Local files are read in the same way.
///
/// A [`Cached`](super::Cached) around this keeps what it brings, in memory or on the local disk, and is asked first.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use mvl_core::{DataLoadStrategy, EpochPlan, Order};
/// use mvl_data::{Parallel, Streaming};
/// let strategy = Streaming::new(Parallel::new(2)).with_read_ahead_bytes(256 << 20).with_requests(32);
/// let items = strategy.load(Arc::new(vec![5_usize, 6]), EpochPlan::new(2, Order::Sequential))?;
/// assert_eq!(items.collect::<Result<Vec<_>, _>>()?, [5, 6]); // these lie nowhere
/// # Ok::<(), mvl_core::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Streaming<S> {
    inner: S,
    read_ahead_bytes: usize,
    requests: usize,
    retry: RetryPolicy,
}

impl<S> Streaming<S> {
    /// Reads ahead of this strategy.
    #[must_use]
    pub fn new(inner: S) -> Self {
        let (read_ahead_bytes, requests) = (DEFAULT_READ_AHEAD_BYTES, DEFAULT_REQUESTS);
        Self { inner, read_ahead_bytes, requests, retry: RetryPolicy::default() }
    }

    /// Sets the budget for records that wait or are on their way, in bytes: 64 MiB unless said otherwise.
    #[must_use]
    pub fn with_read_ahead_bytes(mut self, bytes: usize) -> Self {
        self.read_ahead_bytes = bytes;
        self
    }

    /// Sets how many requests may be under way, at least 1: 16 unless said otherwise.
    #[must_use]
    pub fn with_requests(mut self, requests: usize) -> Self {
        self.requests = requests.max(1);
        self
    }

    /// Sets when a request that failed is made again.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Several requests share the budget, so that one is never all of it.
    fn limits(&self) -> Limits {
        let request_bytes = (self.read_ahead_bytes / self.requests).clamp(1, MAX_REQUEST_BYTES) as u64;
        Limits { bytes: self.read_ahead_bytes, requests: self.requests, request_bytes }
    }
}

impl<I: Send + 'static, S: DataLoadStrategy<I>> DataLoadStrategy<I> for Streaming<S> {
    fn load(&self, dataset: Arc<dyn Dataset<I>>, plan: EpochPlan) -> Result<ItemIter<I>, DataError> {
        let indices = plan.keys().iter().map(|key| key.index).collect();
        let located = dataset.clone();
        let origin = Origin { retry: self.retry };
        let ahead = ReadAhead::start(indices, move |index| located.location(index), origin, self.limits())?;
        let bytes = ahead.clone();
        let fetch = move |dataset: &dyn Dataset<I>, index: usize| -> Result<Record, DataError> {
            match dataset.location(index) {
                Some(location) => dataset.record(index, bytes.bytes(index, &location)?),
                None => dataset.fetch(index),
            }
        };
        let streamed = Fetching::new(dataset, fetch).without_locations();
        let stop = Stop(ahead); // also when the strategy cannot start
        let items = self.inner.load(Arc::new(streamed), plan)?;
        Ok(Box::new(Items { _stop: stop, items }))
    }
}

/// Ends the requests when it goes.
#[derive(Debug)]
struct Stop(Arc<ReadAhead>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// The items of the strategy. The fields go in this order: workers that wait for bytes must be told before they are waited for.
struct Items<I> {
    _stop: Stop,
    items: ItemIter<I>,
}

impl<I> Iterator for Items<I> {
    type Item = Result<I, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.items.next()
    }
}
