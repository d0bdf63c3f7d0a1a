//! A budget of host memory, shared out by name: caches, batches under way, requests.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Host memory with a limit in bytes. Clones share one budget.
///
/// # Example
/// ```
/// use mvl_core::MemoryPool;
/// let pool = MemoryPool::new(100);
/// let cache = pool.reserve("cache", 60)?;
/// let refused = pool.reserve("batches", 50).expect_err("60 of 100 bytes are taken");
/// assert_eq!(refused.to_string(), "50 bytes for batches are over the memory budget: 60 of 100 are taken (cache 60)");
/// drop(cache);
/// assert!(pool.reserve("batches", 50).is_ok());
/// # Ok::<(), mvl_core::OverBudget>(())
/// ```
#[derive(Clone)]
pub struct MemoryPool(Arc<Shared>);

struct Shared {
    budget: usize,
    state: Mutex<State>,
    /// Something was given back.
    room: Condvar,
    /// What a part holds of its whole.
    _part_of: Option<Reservation>,
}

#[derive(Default)]
struct State {
    used: usize,
    peak: usize,
    names: BTreeMap<Arc<str>, Held>,
}

#[derive(Default)]
struct Held {
    bytes: usize,
    peak: usize,
}

/// What one name holds of a pool.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct MemoryUsage {
    /// Who holds it.
    pub name: String,
    /// Bytes now.
    pub bytes: usize,
    /// The most bytes at once.
    pub peak_bytes: usize,
}

/// More was asked for than the budget has left.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{wanted} bytes for {name} are over the memory budget: {used} of {budget} are taken ({holders})")]
pub struct OverBudget {
    /// Who asked.
    pub name: String,
    /// How many bytes.
    pub wanted: usize,
    /// How many were taken then.
    pub used: usize,
    /// The whole budget.
    pub budget: usize,
    /// Who holds what.
    pub holders: String,
}

impl MemoryPool {
    /// A pool of this many bytes.
    #[must_use]
    pub fn new(budget: usize) -> Self {
        Self::within(budget, None)
    }

    fn within(budget: usize, part_of: Option<Reservation>) -> Self {
        Self(Arc::new(Shared { budget, state: Mutex::default(), room: Condvar::new(), _part_of: part_of }))
    }

    /// A pool of its own with so many bytes of this one, which are given back when the last clone of the part is dropped.
    ///
    /// # Errors
    /// [`OverBudget`] when fewer are left.
    pub fn part(&self, name: &str, bytes: usize) -> Result<Self, OverBudget> {
        let reservation = self.reserve(name, bytes)?;
        Ok(Self::within(bytes, Some(reservation)))
    }

    /// The whole budget, in bytes.
    #[must_use]
    pub fn budget(&self) -> usize {
        self.0.budget
    }

    /// Bytes that are taken.
    #[must_use]
    pub fn used(&self) -> usize {
        self.lock().used
    }

    /// The most bytes that were taken at once.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.lock().peak
    }

    /// Bytes that are left.
    #[must_use]
    pub fn free(&self) -> usize {
        self.0.budget - self.used()
    }

    /// Who holds what, by name; names stay after they gave everything back, for their peak.
    #[must_use]
    pub fn usage(&self) -> Vec<MemoryUsage> {
        let usage = |(name, held): (&Arc<str>, &Held)| MemoryUsage {
            name: name.to_string(),
            bytes: held.bytes,
            peak_bytes: held.peak,
        };
        self.lock().names.iter().map(usage).collect()
    }

    /// Takes bytes now.
    ///
    /// # Errors
    /// [`OverBudget`] when fewer are left.
    pub fn reserve(&self, name: &str, bytes: usize) -> Result<Reservation, OverBudget> {
        let mut reservation = self.nothing(name);
        reservation.resize(bytes)?;
        Ok(reservation)
    }

    /// Takes bytes as soon as they are there, but waits no longer than this.
    ///
    /// # Errors
    /// [`OverBudget`] at once when the whole budget is smaller, or when the time is over.
    pub fn reserve_within(&self, name: &str, bytes: usize, patience: Duration) -> Result<Reservation, OverBudget> {
        let mut reservation = self.nothing(name);
        let deadline = Instant::now() + patience;
        let mut state = self.lock();
        loop {
            match state.resize(&mut reservation, bytes) {
                Ok(()) => break,
                Err(over) if bytes > self.0.budget => return Err(over),
                Err(over) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(over);
                    }
                    state = self.0.room.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
        drop(state);
        Ok(reservation)
    }

    fn nothing(&self, name: &str) -> Reservation {
        Reservation { pool: self.clone(), name: name.into(), bytes: 0 }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Changes how much a reservation holds, or nothing.
    fn resize(&mut self, reservation: &mut Reservation, bytes: usize) -> Result<(), OverBudget> {
        let budget = reservation.pool.0.budget;
        let others = self.used - reservation.bytes;
        if bytes > reservation.bytes && bytes > budget - others.min(budget) {
            return Err(self.over_budget(&reservation.name, bytes, budget));
        }
        self.used = others + bytes;
        self.peak = self.peak.max(self.used);
        let held = self.names.entry(reservation.name.clone()).or_default();
        held.bytes = held.bytes - reservation.bytes + bytes;
        held.peak = held.peak.max(held.bytes);
        reservation.bytes = bytes;
        Ok(())
    }

    fn over_budget(&self, name: &str, wanted: usize, budget: usize) -> OverBudget {
        let holders = self.names.iter().filter(|(_, held)| held.bytes > 0);
        let holders: Vec<_> = holders.map(|(name, held)| format!("{name} {}", held.bytes)).collect();
        let holders = if holders.is_empty() { "nobody".to_owned() } else { holders.join(", ") };
        OverBudget { name: name.to_owned(), wanted, used: self.used, budget, holders }
    }
}

impl fmt::Debug for MemoryPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryPool").field("budget", &self.budget()).field("usage", &self.usage()).finish()
    }
}

/// Bytes of a pool, given back when this is dropped.
#[derive(Debug)]
pub struct Reservation {
    pool: MemoryPool,
    name: Arc<str>,
    bytes: usize,
}

impl Reservation {
    /// How many bytes it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes more or gives back, at once.
    ///
    /// # Errors
    /// [`OverBudget`] when more are wanted than are left; the reservation stays as it was.
    pub fn resize(&mut self, bytes: usize) -> Result<(), OverBudget> {
        let pool = self.pool.clone();
        let before = self.bytes;
        pool.lock().resize(self, bytes)?;
        if bytes < before {
            pool.0.room.notify_all();
        }
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let pool = self.pool.clone();
        let mut state = pool.lock();
        state.used -= self.bytes;
        if let Some(held) = state.names.get_mut(&self.name) {
            held.bytes -= self.bytes;
        }
        drop(state);
        pool.0.room.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservations_come_and_go() {
        let pool = MemoryPool::new(10);
        let mut first = pool.reserve("cache", 4).expect("room");
        let second = pool.reserve("cache", 4).expect("room");
        assert!(first.resize(7).is_err() && first.bytes() == 4, "a refusal changes nothing");
        first.resize(6).expect("6 + 4");
        assert_eq!((pool.used(), pool.free()), (10, 0));
        drop(second);
        first.resize(1).expect("less");
        let usage = MemoryUsage { name: "cache".to_owned(), bytes: 1, peak_bytes: 10 };
        assert_eq!((pool.usage(), pool.peak()), (vec![usage], 10));
    }

    #[test]
    fn a_part_holds_its_bytes_until_it_is_gone() {
        let pool = MemoryPool::new(10);
        let part = pool.part("cache", 6).expect("6 of 10");
        let inside = part.reserve("records", 6).expect("all of the part");
        assert_eq!((pool.free(), part.free()), (4, 0));
        assert!(pool.part("second", 5).is_err());
        drop((part, inside));
        assert_eq!(pool.free(), 10);
    }

    #[test]
    fn who_waits_is_served_when_something_is_given_back() {
        let pool = MemoryPool::new(10);
        let first = pool.reserve("first", 8).expect("room");
        let waiting = std::thread::spawn({
            let pool = pool.clone();
            move || pool.reserve_within("second", 5, Duration::from_secs(30)).map(|held| held.bytes())
        });
        drop(first);
        assert_eq!(waiting.join().expect("no panic"), Ok(5));
        let never = pool.reserve_within("third", 11, Duration::from_secs(30)).expect_err("more than all of it");
        assert_eq!(never.budget, 10);
        let _all = pool.reserve("fourth", 10).expect("all of it");
        assert!(pool.reserve_within("fifth", 1, Duration::from_millis(5)).is_err());
    }
}
