//! [`BatchOptions`]: how requests are put together, how long they may wait, and what happens to a replica that fails.

use std::time::Duration;

/// How requests are put together, how long they may wait, and what happens to a replica that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchOptions {
    /// The most rows of a forward pass. A single request may have as many, no more.
    pub max_rows: usize,
    /// How long a request waits for others, when a replica is free. While all are busy requests gather by themselves, so zero is
    /// right for most.
    pub max_delay: Duration,
    /// The most rows that wait; what comes then is refused.
    pub queue_rows: usize,
    /// How long a request may take that says nothing of it.
    pub timeout: Duration,
    /// A request that has waited so long goes before those of a higher priority.
    pub patience: Duration,
    /// How often a request is tried on replicas that fail.
    pub attempts: u32,
    /// How many failures in a row take a replica out. A panic does at once.
    pub eject_after: u32,
    /// How long a replica is out at first; it doubles with every failure, up to a hundred times this.
    pub ejected_for: Duration,
}

impl Default for BatchOptions {
    /// 8 rows, no delay, 256 rows waiting, half a minute for a request, three attempts.
    fn default() -> Self {
        Self {
            max_rows: 8,
            max_delay: Duration::ZERO,
            queue_rows: 256,
            timeout: Duration::from_secs(30),
            patience: Duration::from_secs(1),
            attempts: 3,
            eject_after: 3,
            ejected_for: Duration::from_millis(100),
        }
    }
}

impl BatchOptions {
    /// How long a replica is out after so many failures in a row.
    pub(super) fn ejection(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(self.eject_after));
        self.ejected_for.saturating_mul(doubled.min(100))
    }
}
