//! Several threads make items ahead of time; they come out in the plan's order, and what waits is bounded in bytes.
//!
//! Items are claimed in order. A thread claims the next one only when the bytes that wait, and those that the claimed items
//! may come to, leave room for it; an item is expected to be as large as the largest before it. The item that is to be
//! delivered next is always claimed, so a budget smaller than one item slows loading down but never stops it.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use mvl_core::{ByteSize, DataError, DataLoadStrategy, Dataset, EpochPlan, ItemIter, SampleKey};

use super::make_item;

/// How many bytes of finished items wait at most, unless said otherwise.
pub const DEFAULT_QUEUE_BYTES: usize = 256 << 20;

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
        let queue = Arc::new(Queue::new(keys.len(), self.queue_bytes));
        let mut items = Items { queue, workers: Vec::with_capacity(workers) };
        for number in 0..workers {
            let (queue, dataset, keys) = (items.queue.clone(), dataset.clone(), keys.clone());
            let worker = thread::Builder::new().name(format!("mvl-data-{number}"));
            let started = worker.spawn(move || work(&queue, &*dataset, &keys));
            let what = "cannot start a loading thread; try fewer workers";
            let started =
                started.map_err(|source| DataError::Other { what: what.to_owned(), source: Box::new(source) });
            items.workers.push(started?); // on failure `items` is dropped, which ends those that were started
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

/// A place of the plan that a worker has taken on.
struct Claim {
    place: usize,
    reserved: usize,
}

/// What waits for the consumer, in order.
///
/// While a worker waits for room there is less of it than the largest item takes. Whatever makes room makes at most that much,
/// hence room for one more claim: waking one worker is enough, but for the first size and the end.
struct Queue<I> {
    len: usize,
    budget: usize,
    state: Mutex<State<I>>,
    /// For workers: there may be room.
    room: Condvar,
    /// For the consumer: the next item is there.
    ready: Condvar,
}

struct State<I> {
    /// One slot for each claimed place from `delivered` on.
    slots: VecDeque<Option<(usize, Result<I, DataError>)>>,
    /// Places before this one are with the consumer.
    delivered: usize,
    /// Bytes in filled slots plus bytes reserved by claims.
    bytes: usize,
    /// The largest item so far; `None` before the first.
    largest: Option<usize>,
    stopped: bool,
}

impl<I> Queue<I> {
    fn new(len: usize, budget: usize) -> Self {
        let state = State { slots: VecDeque::new(), delivered: 0, bytes: 0, largest: None, stopped: false };
        Self { len, budget, state: Mutex::new(state), room: Condvar::new(), ready: Condvar::new() }
    }

    /// The state is consistent between any two statements that may panic, which are none of ours.
    fn lock(&self) -> MutexGuard<'_, State<I>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for room, then takes the next place on; `None` when the work is over.
    fn claim(&self) -> Option<Claim> {
        let mut state = self.lock();
        loop {
            let place = state.delivered + state.slots.len();
            if state.stopped || place == self.len {
                return None;
            }
            let fits = |expected: usize| state.bytes.saturating_add(expected) <= self.budget;
            if state.slots.is_empty() || state.largest.is_some_and(fits) {
                let reserved = state.largest.unwrap_or(0);
                state.bytes = state.bytes.saturating_add(reserved);
                state.slots.push_back(None);
                return Some(Claim { place, reserved });
            }
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Puts a finished item into its slot.
    fn hand_in(&self, claim: Claim, measured: Result<(usize, I), DataError>) {
        let (bytes, item) = match measured {
            Ok((bytes, item)) => (bytes, Ok(item)),
            Err(error) => (0, Err(error)),
        };
        let mut state = self.lock();
        let first_size = state.largest.is_none();
        if item.is_ok() {
            state.largest = state.largest.max(Some(bytes));
        }
        state.bytes = (state.bytes - claim.reserved).saturating_add(bytes);
        let slot = claim.place - state.delivered;
        state.slots[slot] = Some((bytes, item));
        drop(state);
        if slot == 0 {
            self.ready.notify_one();
        }
        if first_size {
            self.room.notify_all();
        } else if bytes < claim.reserved {
            self.room.notify_one();
        }
    }

    /// Waits for the next item; `None` after the last.
    fn take(&self) -> Option<Result<I, DataError>> {
        let mut state = self.lock();
        loop {
            if state.delivered == self.len {
                return None;
            }
            if let Some((bytes, item)) = state.slots.front_mut().and_then(Option::take) {
                state.slots.pop_front();
                state.delivered += 1;
                state.bytes -= bytes;
                drop(state);
                self.room.notify_one();
                return Some(item);
            }
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn stop(&self) {
        self.lock().stopped = true;
        self.room.notify_all();
    }
}

/// The consumer's end; dropping it ends the workers and waits for them.
struct Items<I> {
    queue: Arc<Queue<I>>,
    workers: Vec<JoinHandle<()>>,
}

impl<I> fmt::Debug for Items<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").field("workers", &self.workers.len()).finish_non_exhaustive()
    }
}

impl<I> Iterator for Items<I> {
    type Item = Result<I, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.queue.take()
    }
}

impl<I> Drop for Items<I> {
    fn drop(&mut self) {
        self.queue.stop();
        for worker in self.workers.drain(..) {
            let _ = worker.join(); // a worker catches every panic of the data set
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mvl_core::Order;

    fn claimed(queue: &Queue<Vec<u8>>) -> usize {
        let state = queue.lock();
        state.delivered + state.slots.len()
    }

    fn hand_in(queue: &Queue<Vec<u8>>, claim: Claim, bytes: usize) {
        queue.hand_in(claim, Ok((bytes, vec![0; bytes])));
    }

    /// Whether a claim would be granted at once.
    fn has_room(queue: &Queue<Vec<u8>>) -> bool {
        let state = queue.lock();
        state.slots.is_empty() || state.largest.is_some_and(|largest| state.bytes + largest <= queue.budget)
    }

    #[test]
    fn the_first_item_tells_the_size_of_the_others() {
        let queue = Queue::new(10, 25);
        let first = queue.claim().expect("the first place");
        assert!(!has_room(&queue), "its size is not known yet");
        hand_in(&queue, first, 10);
        let second = queue.claim().expect("20 of 25 bytes");
        assert!(!has_room(&queue), "a third would come to 30 bytes");
        hand_in(&queue, second, 4);
        assert!(has_room(&queue), "the second was smaller than expected");
        assert_eq!(queue.take().expect("the first").expect("good").len(), 10);
        assert_eq!((claimed(&queue), queue.lock().bytes), (2, 4));
    }

    #[test]
    fn an_item_larger_than_the_budget_waits_alone() {
        let queue = Queue::new(3, 5);
        for _ in 0..3 {
            let claim = queue.claim().expect("nothing waits");
            hand_in(&queue, claim, 100);
            assert!(!has_room(&queue));
            assert!(queue.take().expect("it passes").is_ok());
        }
        assert!(queue.take().is_none() && queue.claim().is_none());
    }

    #[test]
    fn an_error_takes_no_room() {
        let queue: Queue<Vec<u8>> = Queue::new(3, 5);
        let claim = queue.claim().expect("the first place");
        queue.hand_in(claim, Err(DataError::invalid("bad")));
        assert_eq!(queue.lock().bytes, 0);
        assert!(queue.take().expect("in its place").is_err());
    }

    #[test]
    fn zero_workers_are_one_a_core() {
        assert!(Parallel::new(0).workers() >= 1);
        let empty = Parallel::new(3).load(Arc::new(Vec::<usize>::new()), EpochPlan::new(0, Order::Sequential));
        assert!(empty.expect("nothing to start").next().is_none());
    }
}
