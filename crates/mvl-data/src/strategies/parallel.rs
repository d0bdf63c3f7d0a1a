//! Several threads make items ahead of time; they come out in the plan's order, and what waits is bounded in bytes.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use mvl_core::{ByteSize, DataError, DataLoadStrategy, Dataset, EpochPlan, ItemIter, SampleKey};

use super::make_item;
use super::queue::{DEFAULT_QUEUE_BYTES, Items, Queue};

/// Loads with several threads, ahead of the consumer.
///
/// The bytes of finished items that were not delivered stay within the budget. They exceed it only by what an item is larger
/// than every item before it, and when a single item is larger than the whole budget, which then waits alone.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use mvl_core::{DataLoadStrategy, EpochPlan, Order};
/// let items = mvl_data::Parallel::new(2).load(Arc::new(vec![5_usize, 6]), EpochPlan::new(2, Order::Sequential))?;
/// assert_eq!(items.collect::<Result<Vec<_>, _>>()?, [5, 6]);
/// # Ok::<(), mvl_core::DataError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parallel {
    workers: usize,
    queue_bytes: usize,
}

impl Parallel {
    /// Loads with this many threads; 0 stands for one a core.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        let workers = match workers {
            0 => thread::available_parallelism().map_or(1, NonZeroUsize::get),
            workers => workers,
        };
        Self { workers, queue_bytes: DEFAULT_QUEUE_BYTES }
    }

    /// Sets the budget for finished items, in bytes.
    #[must_use]
    pub fn with_queue_bytes(mut self, queue_bytes: usize) -> Self {
        self.queue_bytes = queue_bytes;
        self
    }

    /// How many threads load.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// The budget for finished items, in bytes.
    #[must_use]
    pub fn queue_bytes(&self) -> usize {
        self.queue_bytes
    }
}

impl<I: ByteSize + Send + 'static> DataLoadStrategy<I> for Parallel {
    fn load(&self, dataset: Arc<dyn Dataset<I>>, plan: EpochPlan) -> Result<ItemIter<I>, DataError> {
        let keys: Arc<[SampleKey]> = plan.keys().into();
        let workers = self.workers.min(keys.len());
        let mut items = Items::new(keys.len(), self.queue_bytes);
        for number in 0..workers {
            let (dataset, keys) = (dataset.clone(), keys.clone());
            // On failure `items` is dropped, which ends the threads that were started.
            items.start(format!("mvl-data-{number}"), move |queue| work(queue, &*dataset, &keys))?;
        }
        Ok(Box::new(items))
    }
}

/// A worker's life: claim, make, hand in.
fn work<I: ByteSize>(queue: &Queue<I>, dataset: &dyn Dataset<I>, keys: &[SampleKey]) {
    while let Some(claim) = queue.claim() {
        let measured = make_item(dataset, keys[claim.place], |item| (item.byte_size(), item));
        queue.hand_in(claim, measured);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mvl_core::Order;

    #[test]
    fn zero_workers_are_one_a_core() {
        assert!(Parallel::new(0).workers() >= 1);
        let empty = Parallel::new(3).load(Arc::new(Vec::<usize>::new()), EpochPlan::new(0, Order::Sequential));
        assert!(empty.expect("nothing to start").next().is_none());
    }
}
