//! Several threads make items ahead of time; they come out in the plan's order, and what waits is bounded in bytes.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use mvl_core::{
    ByteSize, CpuLease, DataError, DataLoadStrategy, Dataset, EpochPlan, ItemIter, Reservation, ResourceManager,
    SampleKey, Work,
};

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
#[derive(Debug, Clone)]
pub struct Parallel {
    workers: usize,
    queue_bytes: usize,
    resources: Option<ResourceManager>,
}

impl Parallel {
    /// Loads with this many threads; 0 stands for one a core.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        let workers = match workers {
            0 => thread::available_parallelism().map_or(1, NonZeroUsize::get),
            workers => workers,
        };
        Self { workers, queue_bytes: DEFAULT_QUEUE_BYTES, resources: None }
    }

    /// Sets the budget for finished items, in bytes.
    #[must_use]
    pub fn with_queue_bytes(mut self, queue_bytes: usize) -> Self {
        self.queue_bytes = queue_bytes;
        self
    }

    /// Takes threads and the budget for finished items from those of the program, each time that loading starts, and gives them back when it
    /// ends. Where fewer threads are free, fewer load.
    #[must_use]
    pub fn within(mut self, resources: &ResourceManager) -> Self {
        self.resources = Some(resources.clone());
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
        let mut workers = self.workers.min(keys.len());
        let mut items = Items::new(keys.len(), self.queue_bytes);
        let held = self.resources.as_ref().map(|resources| self.hold(resources)).transpose()?;
        if let Some(held) = &held {
            workers = workers.min(held.threads.threads());
        }
        for number in 0..workers {
            let (dataset, keys) = (dataset.clone(), keys.clone());
            // On failure `items` is dropped, which ends the threads that were started.
            items.start(format!("mvl-data-{number}"), move |queue| work(queue, &*dataset, &keys))?;
        }
        Ok(match held {
            Some(held) => Box::new(Holding { items, _held: held }),
            None => Box::new(items),
        })
    }
}

impl Parallel {
    fn hold(&self, resources: &ResourceManager) -> Result<Held, DataError> {
        let waiting = resources.memory.reserve("batches under way", self.queue_bytes);
        let waiting =
            waiting.map_err(|over| DataError::other("loading cannot start; give it a smaller queue", over))?;
        Ok(Held { threads: resources.cpu.lease(Work::Decode, self.workers), _waiting: waiting })
    }
}

/// What loading takes of the program's resources.
struct Held {
    threads: CpuLease,
    _waiting: Reservation,
}

/// Items with what their making holds; fields are dropped in order, so the threads have ended before they are given back.
struct Holding<I> {
    items: I,
    _held: Held,
}

impl<I: Iterator> Iterator for Holding<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<Self::Item> {
        self.items.next()
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
    use mvl_core::{Order, ResourceConfig};

    #[test]
    fn threads_and_memory_are_held_while_loading() {
        let config = ResourceConfig { host_mib: Some(2), cores: Some(3), shared_name: None };
        let resources = ResourceManager::new(&config);
        let load = |mib: usize| {
            let strategy = Parallel::new(8).with_queue_bytes(mib << 20).within(&resources);
            strategy.load(Arc::new(vec![1_usize, 2, 3]), EpochPlan::new(3, Order::Sequential))
        };
        let items = load(2).expect("all of the budget");
        assert_eq!((resources.memory.free(), resources.cpu.usage()[0].threads), (0, 3));
        let over = load(1).err().expect("nothing is left").full_message();
        assert!(over.contains("give it a smaller queue") && over.contains("(batches under way 2097152)"), "{over}");
        assert_eq!(items.collect::<Result<Vec<_>, _>>().expect("good items"), [1, 2, 3]);
        assert_eq!((resources.memory.used(), resources.cpu.usage()[0].threads), (0, 0));
    }

    #[test]
    fn zero_workers_are_one_a_core() {
        assert!(Parallel::new(0).workers() >= 1);
        let empty = Parallel::new(3).load(Arc::new(Vec::<usize>::new()), EpochPlan::new(0, Order::Sequential));
        assert!(empty.expect("nothing to start").next().is_none());
    }
}
