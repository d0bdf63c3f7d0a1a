//! [`ComputeSlots`]: how many forward passes run at once, over all models.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

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
    free: usize,
    next: u64,
    waiting: VecDeque<u64>,
}

/// The right to run; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Slot<'a>(&'a Inner);

impl ComputeSlots {
    /// So many at once.
    ///
    /// # Panics
    /// For none.
    pub fn new(count: usize) -> Self {
        assert!(count > 0, "at least one forward pass must be able to run");
        let state = State { free: count, next: 0, waiting: VecDeque::new() };
        Self(Arc::new(Inner { state: Mutex::new(state), moved: Condvar::new() }))
    }

    /// Waits for its turn.
    pub(super) fn take(&self) -> Slot<'_> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = state.next;
        state.next += 1;
        state.waiting.push_back(turn);
        let mut state = self
            .0
            .moved
            .wait_while(state, |state| state.free == 0 || state.waiting.front() != Some(&turn))
            .unwrap_or_else(PoisonError::into_inner);
        state.waiting.pop_front();
        state.free -= 1;
        if state.free > 0 {
            self.0.moved.notify_all(); // the one behind may go too
        }
        Slot(&self.0)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).free += 1;
        self.0.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn no_more_run_than_there_are_slots() {
        let slots = ComputeSlots::new(2);
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _slot = slots.take();
                        most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        running.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!((1..=2).contains(&most.load(Ordering::SeqCst)));
    }
}
