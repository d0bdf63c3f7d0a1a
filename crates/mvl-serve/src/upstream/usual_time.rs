//! [`UsualTime`]: how long answers of a server usually take, and so which deadlines are fair.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How many times the usual time is fair.
const FAIR: u32 = 10;
/// A server that takes longer than this and that many times the usual is at fault, whatever its usual time.
const LEAST: Duration = Duration::from_secs(1);
/// What is fair before anything is known.
const UNKNOWN: Duration = Duration::from_secs(5);
/// How much the newest answer counts: one in five.
const NEWEST: u64 = 5;

/// How long answers of a server usually take.
#[derive(Debug, Default)]
pub(super) struct UsualTime {
    /// In microseconds; 0 before the first answer.
    micros: AtomicU64,
}

impl UsualTime {
    /// Notes an answer. Replicas answer one at a time, so nothing is lost between reading and writing.
    pub(super) fn note(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
        let known = self.micros.load(Ordering::Relaxed);
        let new = if known == 0 { took } else { known - known / NEWEST + took / NEWEST };
        self.micros.store(new.max(1), Ordering::Relaxed);
    }

    /// Whether whoever gave so much time has given enough, so that it is the server's fault when there was no answer.
    pub(super) fn is_fair(&self, given: Duration) -> bool {
        match self.micros.load(Ordering::Relaxed) {
            0 => given >= UNKNOWN,
            usual => given >= Duration::from_micros(usual).saturating_mul(FAIR).max(LEAST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fair_follows_what_is_usual() {
        let usual = UsualTime::default();
        let fair = |ms| usual.is_fair(Duration::from_millis(ms));
        assert!(!fair(4_999) && fair(5_000), "nothing is known yet");
        usual.note(Duration::from_millis(1));
        assert!(!fair(999) && fair(1_000));
        usual.note(Duration::from_millis(1_001));
        assert!(!fair(2_000) && fair(2_010), "a fifth of the new one: 201 ms");
    }
}
