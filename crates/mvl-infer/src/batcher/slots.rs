//! [`ComputeSlots`]: how many forward passes run at once, over all models.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::climber::Climber;

/// How many forward passes run at once, over all models that share it. Whoever asked first goes first, so that no model with many
/// requests keeps another from its turn. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ComputeSlots(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Debug)]
struct State {
    limit: usize,
    running: usize,
    next: u64,
    waiting: VecDeque<u64>,
    climber: Option<Climber>,
}

/// The right to run; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    inner: &'a Inner,
    /// How many rows went through it.
    pub(super) rows: usize,
}

impl ComputeSlots {
    /// So many at once.
    ///
    /// # Panics
    /// For none.
    pub fn new(count: usize) -> Self {
        Self::with(count, None)
    }

    /// As many at once, up to `most`, as answer the most rows a second. It is found by trying one more and one less while requests wait,
    /// and looked for again from time to time.
    ///
    /// # Panics
    /// For none.
    pub fn adaptive(most: usize) -> Self {
        assert!(most > 0, "at least one forward pass must be able to run");
        Self::with(1, Some(Climber::new(most)))
    }

    fn with(limit: usize, climber: Option<Climber>) -> Self {
        assert!(limit > 0, "at least one forward pass must be able to run");
        let state = State { limit, running: 0, next: 0, waiting: VecDeque::new(), climber };
        Self(Arc::new(Inner { state: Mutex::new(state), moved: Condvar::new() }))
    }

    /// How many may run at once now.
    pub fn limit(&self) -> usize {
        self.0.state().limit
    }

    /// Waits for its turn.
    pub(super) fn take(&self) -> Slot<'_> {
        let mut state = self.0.state();
        let turn = state.next;
        state.next += 1;
        state.waiting.push_back(turn);
        let mut state = self
            .0
            .moved
            .wait_while(state, |state| state.running >= state.limit || state.waiting.front() != Some(&turn))
            .unwrap_or_else(PoisonError::into_inner);
        state.waiting.pop_front();
        state.running += 1;
        if state.running < state.limit {
            self.0.moved.notify_all(); // the one behind may go too
        }
        Slot { inner: &self.0, rows: 0 }
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut state = self.inner.state();
        state.running -= 1;
        let others_wait = !state.waiting.is_empty();
        if let Some(climber) = &mut state.climber
            && self.rows > 0
        {
            state.limit = climber.ended(self.rows, others_wait, Instant::now());
        }
        drop(state);
        self.inner.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn no_more_run_than_there_are_slots() {
        for slots in [ComputeSlots::new(2), ComputeSlots::adaptive(2)] {
            assert!((1..=2).contains(&most_at_once(&slots)));
        }
    }

    fn most_at_once(slots: &ComputeSlots) -> usize {
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let mut slot = slots.take();
                        slot.rows = 1;
                        most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        running.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        most.load(Ordering::SeqCst)
    }
}
