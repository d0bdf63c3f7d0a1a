//! One thread works ahead of the consumer, for a strategy that would otherwise wait to be asked.

use std::sync::Arc;

use mvl_core::{ByteSize, DataError, DataLoadStrategy, Dataset, EpochPlan, ItemIter, SampleKey};

use super::caught;
use super::queue::{DEFAULT_QUEUE_BYTES, Items, Queue};

/// Takes the items of `S` ahead of time on a thread of its own, and keeps as many ready as fit into its budget.
///
/// Around [`Sequential`](super::Sequential) this is one worker in the background. [`Parallel`](super::Parallel) works ahead
/// already, by as many bytes as its queue holds.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use mvl_core::{DataLoadStrategy, EpochPlan, Order};
/// use mvl_data::{Prefetch, Sequential};
/// let strategy = Prefetch::new(Sequential).with_queue_bytes(64 << 20);
/// let items = strategy.load(Arc::new(vec![5_usize, 6]), EpochPlan::new(2, Order::Sequential))?;
/// assert_eq!(items.collect::<Result<Vec<_>, _>>()?, [5, 6]);
/// # Ok::<(), mvl_core::DataError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefetch<S> {
    inner: S,
    queue_bytes: usize,
}

impl<S> Prefetch<S> {
    /// Works ahead with this strategy, by [`DEFAULT_QUEUE_BYTES`](super::DEFAULT_QUEUE_BYTES).
    #[must_use]
    pub fn new(inner: S) -> Self {
        Self { inner, queue_bytes: DEFAULT_QUEUE_BYTES }
    }

    /// Sets the budget for items that wait, in bytes. An item larger than all of it waits alone.
    #[must_use]
    pub fn with_queue_bytes(mut self, queue_bytes: usize) -> Self {
        self.queue_bytes = queue_bytes;
        self
    }
}

impl<I: ByteSize + Send + 'static, S: DataLoadStrategy<I>> DataLoadStrategy<I> for Prefetch<S> {
    fn load(&self, dataset: Arc<dyn Dataset<I>>, plan: EpochPlan) -> Result<ItemIter<I>, DataError> {
        let keys = plan.keys();
        let source = self.inner.load(dataset, plan)?;
        let mut items = Items::new(keys.len(), self.queue_bytes);
        if !keys.is_empty() {
            items.start("mvl-data-ahead".to_owned(), move |queue| work(queue, source, &keys))?;
        }
        Ok(Box::new(items))
    }
}

/// The thread's life: claim, take, hand in.
fn work<I: ByteSize>(queue: &Queue<I>, mut source: ItemIter<I>, keys: &[SampleKey]) {
    while let Some(claim) = queue.claim() {
        let measured = caught(keys[claim.place].index, || {
            let ended = || Err(DataError::invalid("the strategy that was prefetched ended before its plan did"));
            source.next().unwrap_or_else(ended).map(|item| (item.byte_size(), item))
        });
        queue.hand_in(claim, measured);
    }
}
