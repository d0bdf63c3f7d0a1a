//! Finished items on their way from threads to the consumer: in the plan's order, and bounded in bytes.
//!
//! Items are claimed in order. A thread claims the next one only when the bytes that wait, and those that the claimed items
//! may come to, leave room for it; an item is expected to be as large as the largest before it. The item that is to be
//! delivered next is always claimed, so a budget smaller than one item slows loading down but never stops it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use mvl_core::DataError;

/// How many bytes of finished items wait at most, unless said otherwise.
pub const DEFAULT_QUEUE_BYTES: usize = 256 << 20;

/// A place of the plan that a worker has taken on.
pub(super) struct Claim {
    pub(super) place: usize,
    reserved: usize,
}

/// What waits for the consumer, in order.
///
/// While a worker waits for room there is less of it than the largest item takes. Whatever makes room makes at most that much,
/// hence room for one more claim: waking one worker is enough, but for the first size and the end.
pub(super) struct Queue<I> {
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
    pub(super) fn claim(&self) -> Option<Claim> {
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
    pub(super) fn hand_in(&self, claim: Claim, measured: Result<(usize, I), DataError>) {
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
pub(super) struct Items<I> {
    queue: Arc<Queue<I>>,
    workers: Vec<JoinHandle<()>>,
}

impl<I: Send + 'static> Items<I> {
    /// The consumer of a queue for `len` items on which nobody works yet.
    pub(super) fn new(len: usize, budget: usize) -> Self {
        Self { queue: Arc::new(Queue::new(len, budget)), workers: Vec::new() }
    }

    /// Starts a thread that works for the queue until there is nothing to claim. It must catch what may panic.
    pub(super) fn start(
        &mut self,
        name: String,
        work: impl FnOnce(&Queue<I>) + Send + 'static,
    ) -> Result<(), DataError> {
        let queue = self.queue.clone();
        let started = thread::Builder::new().name(name).spawn(move || work(&queue));
        let what = "cannot start a loading thread; try fewer workers";
        self.workers.push(started.map_err(|source| DataError::Other { what: what.to_owned(), source: source.into() })?);
        Ok(())
    }
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
            let _ = worker.join(); // it catches every panic
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
