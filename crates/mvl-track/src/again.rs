//! What a server's lost connection undid is done once more.
//!
//! Every operation is one transaction, and whether a transaction was committed is always known (see [`Transaction::commit`]), so
//! doing one again whose connection was lost never does anything twice. Two transactions that got into each other's way, of which
//! Postgres gives up one, are such a case, too. A SQLite file has no connection to lose, and its writers wait for each other.
//!
//! [`Transaction::commit`]: crate::database::Transaction::commit

use std::time::{Duration, Instant};

use crate::error::{is_busy, is_lost};
use crate::{Dialect, TrackError};

/// The first pause and the longest; each is twice the one before.
const FIRST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(1);
/// How long an operation is tried in all.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs the body of an operation until it succeeds or fails for good. A macro, because the future of an async closure cannot be
/// said to be `Send` yet.
macro_rules! again {
    ($database:expr, $body:block) => {{
        let mut attempts = $crate::again::Attempts::on($database.dialect());
        loop {
            let outcome: $crate::Result<_> = async { $body }.await;
            match outcome {
                Err(error) if attempts.once_more(&error).await => {}
                outcome => break outcome,
            }
        }
    }};
}
pub(crate) use again;

/// How often an operation was tried.
pub(crate) struct Attempts {
    dialect: Dialect,
    begun: Instant,
    pause: Duration,
}

impl Attempts {
    /// None so far.
    pub(crate) fn on(dialect: Dialect) -> Self {
        Self { dialect, begun: Instant::now(), pause: FIRST }
    }

    /// Whether an operation that failed like this is worth another attempt; waits before it.
    pub(crate) async fn once_more(&mut self, error: &TrackError) -> bool {
        let cause = error.source.as_deref().and_then(|source| source.downcast_ref::<sqlx::Error>());
        let passes = self.dialect == Dialect::Postgres && cause.is_some_and(|cause| is_lost(cause) || is_busy(cause));
        if !passes || self.begun.elapsed() + self.pause > PATIENCE {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST);
        true
    }
}
