//! [`Replica`]: what is known of one engine among several.

use std::time::{Duration, Instant};

use super::{BatchOptions, Pending};

/// Names a replica of a batcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReplicaId(pub(super) usize);

/// How a replica is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplicaHealth {
    /// Answers.
    Healthy,
    /// Failed, and is out for a while.
    Ejected,
    /// Ends what it has begun, then goes.
    Draining,
}

/// How a replica is, and what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplicaReport {
    /// Its name.
    pub id: ReplicaId,
    /// How it is.
    pub health: ReplicaHealth,
    /// Failures in a row.
    pub failures: u32,
    /// For how long it has been at its forward pass, if it is at one.
    pub running: Option<Duration>,
}

/// One engine among several, as the batcher sees it. The engine itself belongs to its thread.
pub(super) struct Replica {
    pub(super) id: ReplicaId,
    /// What it is answering. Kept here, so that it can be given to another.
    pub(super) running: Vec<Pending>,
    pub(super) since: Option<Instant>,
    pub(super) failures: u32,
    pub(super) ejected_until: Option<Instant>,
    pub(super) draining: bool,
}

impl Replica {
    pub(super) fn new(id: ReplicaId) -> Self {
        Self { id, running: Vec::new(), since: None, failures: 0, ejected_until: None, draining: false }
    }

    pub(super) fn is_running(&self) -> bool {
        !self.running.is_empty()
    }

    pub(super) fn running_rows(&self) -> usize {
        self.running.iter().map(|pending| pending.rows).sum()
    }

    /// Whether it may take requests.
    pub(super) fn is_able(&self, now: Instant) -> bool {
        !self.draining && self.ejected_until.is_none_or(|until| until <= now)
    }

    /// Counts a failure and takes the replica out, if that was one too many, or one that tells enough.
    pub(super) fn failed(&mut self, out: bool, now: Instant, options: &BatchOptions) {
        self.failures += 1;
        if out || self.failures >= options.eject_after {
            self.ejected_until = Some(now + options.ejection(self.failures));
        }
    }

    pub(super) fn report(&self, now: Instant) -> ReplicaReport {
        let health = match self {
            Self { draining: true, .. } => ReplicaHealth::Draining,
            _ if self.is_able(now) => ReplicaHealth::Healthy,
            _ => ReplicaHealth::Ejected,
        };
        let running = self.since.map(|since| now.duration_since(since));
        ReplicaReport { id: self.id, health, failures: self.failures, running }
    }
}
