//! How often, and how long apart, a request is made again.
//!
//! Delays double from attempt to attempt, up to a limit, and each is shortened by a random part of up to half, so that many
//! processes that failed together do not come back together (Brooker 2015, "Exponential Backoff And Jitter").

use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::BuildHasher;
use std::time::{Duration, Instant};

use mvl_core::SampleRng;

use crate::Failure;
use crate::failure::Cause;

/// When a request that failed is made again, and when it is given up.
///
/// Busy answers (status 5xx, 429 and 408), timeouts, lost connections and bodies that end early are tried again until the
/// deadline; bytes that do not match their checksum once; what another attempt would not mend (404, 403 …) never.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use mvl_store::RetryPolicy;
/// let policy = RetryPolicy { first_delay: Duration::from_millis(100), ..RetryPolicy::default() };
/// assert_eq!(policy.delay(1, 0.0), Duration::from_millis(100));
/// assert_eq!(policy.delay(3, 0.0), Duration::from_millis(400));
/// assert_eq!(policy.delay(3, 0.5), Duration::from_millis(300)); // half of the random half
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// What the first delay comes to at most.
    pub first_delay: Duration,
    /// What no delay exceeds, however often a request failed.
    pub longest_delay: Duration,
    /// Time for one request with all its attempts; the attempt under way is cut off then.
    pub deadline: Duration,
}

/// 100 ms to 10 s apart, for 60 s.
impl Default for RetryPolicy {
    fn default() -> Self {
        Self::LOADING
    }
}

impl RetryPolicy {
    /// For what a person waits for, such as the list of a folder: whoever mistyped an address learns it soon.
    pub(crate) const OPENING: Self = Self { deadline: Duration::from_secs(20), ..Self::LOADING };

    /// For records, which a run of days must not be without because of a minute.
    const LOADING: Self = Self {
        first_delay: Duration::from_millis(100),
        longest_delay: Duration::from_secs(10),
        deadline: Duration::from_secs(60),
    };

    /// How long to wait after this many failures; `jitter` is drawn from `[0, 1)`.
    #[must_use]
    pub fn delay(&self, failures: u32, jitter: f64) -> Duration {
        let doubled =
            2_u32.checked_pow(failures.saturating_sub(1)).and_then(|times| self.first_delay.checked_mul(times));
        let full = doubled.unwrap_or(self.longest_delay).min(self.longest_delay);
        full.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
    }
}

/// A generator that no two requests share, on this machine or another.
pub(crate) fn fresh_jitter() -> SampleRng {
    let state = RandomState::new();
    SampleRng::new([state.hash_one(0), state.hash_one(1), state.hash_one(2), state.hash_one(3)])
}

/// Makes attempts until one succeeds or the policy gives up; the failure then says how often and how long it was tried.
pub(crate) async fn retrying<T, A>(
    policy: &RetryPolicy,
    mut jitter: SampleRng,
    mut attempt: impl FnMut() -> A,
) -> Result<T, Failure>
where
    A: Future<Output = Result<T, Failure>>,
{
    let begun = Instant::now();
    let (mut failures, mut damages) = (0, 0);
    let mut last = Failure::new(Cause::Transient, "no answer");
    loop {
        let left = policy.deadline.saturating_sub(begun.elapsed());
        match tokio::time::timeout(left, attempt()).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(failure)) => last = failure,
            Err(_) => {} // what went before tells more than the deadline does
        }
        failures += 1;
        damages += u32::from(last.cause == Cause::Damaged);
        let hopeless = match last.cause {
            Cause::Transient => false,
            Cause::Damaged => damages > 1,
            _ => true,
        };
        let delay = last.retry_after.unwrap_or_else(|| policy.delay(failures, jitter.unit()));
        if hopeless || begun.elapsed() + delay >= policy.deadline {
            if failures > 1 {
                let seconds = begun.elapsed().as_secs_f64();
                last.what = format!("{}, in {failures} attempts within {seconds:.1} s", last.what);
            }
            return Err(last);
        }
        tokio::time::sleep(delay).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait_for;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    const QUICK: RetryPolicy = RetryPolicy {
        first_delay: Duration::from_millis(1),
        longest_delay: Duration::from_millis(4),
        deadline: Duration::from_millis(300),
    };

    /// Fails in this way for so many times.
    fn run(failure: Failure, times: u32) -> (Result<u32, Failure>, u32) {
        let count = Arc::new(AtomicU32::new(0));
        let attempts = count.clone();
        let work = async move {
            let attempt = || {
                let (number, failure) = (count.fetch_add(1, Ordering::SeqCst) + 1, failure.clone());
                async move { if number > times { Ok(number) } else { Err(failure) } }
            };
            retrying(&QUICK, SampleRng::new([1; 4]), attempt).await
        };
        (wait_for(work).expect("it ran"), attempts.load(Ordering::SeqCst))
    }

    #[test]
    fn delays_double_up_to_the_longest() {
        let policy = RetryPolicy { longest_delay: Duration::from_secs(1), ..RetryPolicy::default() };
        let delays: Vec<u128> = (1..=6).map(|failures| policy.delay(failures, 0.0).as_millis()).collect();
        assert_eq!(delays, [100, 200, 400, 800, 1_000, 1_000]);
        assert_eq!(policy.delay(u32::MAX, 1.0), Duration::from_millis(500));
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        let busy = Failure::new(Cause::Transient, "busy");
        assert_eq!(run(busy, 5), (Ok(6), 6));
    }

    #[test]
    fn what_stays_is_not() {
        for cause in [Cause::Missing, Cause::Denied, Cause::Permanent] {
            let failure = Failure::new(cause, "no");
            assert_eq!(run(failure.clone(), 9), (Err(failure), 1));
        }
    }

    #[test]
    fn damaged_bytes_are_moved_once_more() {
        let damaged = Failure::new(Cause::Damaged, "another checksum");
        assert_eq!(run(damaged.clone(), 1), (Ok(2), 2));
        let (given_up, attempts) = run(damaged, 9);
        assert_eq!(attempts, 2);
        assert!(given_up.expect_err("damaged twice").what.starts_with("another checksum, in 2 attempts within "));
    }

    #[test]
    fn the_deadline_ends_it_even_when_nobody_answers() {
        let begun = Instant::now();
        let (given_up, attempts) = run(Failure::new(Cause::Transient, "busy"), u32::MAX);
        assert!(given_up.is_err() && attempts > 10, "{attempts} attempts");
        let silent =
            async { retrying(&QUICK, SampleRng::new([1; 4]), std::future::pending::<Result<(), Failure>>).await };
        let silent = wait_for(silent).expect("it ran").expect_err("nobody answered");
        assert_eq!(silent, Failure::new(Cause::Transient, "no answer"));
        assert!(begun.elapsed() < 4 * QUICK.deadline, "{:?}", begun.elapsed());
    }

    #[test]
    fn a_store_may_ask_for_a_pause() {
        let begun = Instant::now();
        let pause = Some(Duration::from_millis(50));
        let (done, _) = run(Failure { retry_after: pause, ..Failure::new(Cause::Transient, "busy") }, 1);
        assert!(done.is_ok() && begun.elapsed() >= Duration::from_millis(50));
    }
}
