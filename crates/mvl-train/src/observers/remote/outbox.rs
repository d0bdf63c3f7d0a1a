//! What goes to a server, kept while the server is slow or away: a bounded queue, and the thread that empties it.
//!
//! Who puts something in never waits. When too many spare parcels wait, they are thinned out: every second one of the older half goes,
//! so that what is left still covers the whole time. Others always stay; of them there are few (settings, figures of epochs).

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use mvl_store::RetryPolicy;

use super::trouble::Report;
use mvl_core::{RecordFailure, RecordFailureKind};

/// Failures in a row before people are told: one that passes at once is nobody's business.
const FAILURES_TO_TELL: u32 = 3;
/// A server that answers the same record with this status so often has nothing against waiting, but against the record.
const INTERNAL_ERROR: u16 = 500;
const MAX_INTERNAL_ERRORS: u32 = 8;
/// The longest pause between attempts once the end is waited for.
const LONGEST_DELAY_AT_END: Duration = Duration::from_secs(1);
/// So many parcels wait for no more company.
const ENOUGH: usize = 100;
/// Reports that nobody took, at most.
const MAX_REPORTS: usize = 32;

/// Something to be delivered.
pub(crate) trait Parcel: Send + 'static {
    /// Whether it may be left out when too much waits.
    fn is_spare(&self) -> bool;

    /// Whether one that waits is needless once this one is there.
    fn replaces(&self, _waiting: &Self) -> bool {
        false
    }
}

/// Brings parcels to their server; it lives on the outbox's thread and may block.
pub(crate) trait Courier: Send + 'static {
    type Parcel: Parcel;

    /// How many of the waiting parcels, from the first on, go with the next delivery.
    fn load(&self, waiting: &VecDeque<Self::Parcel>) -> usize;

    /// Delivers them in order. After a failure that passes it gets them again, all of them.
    fn deliver(&mut self, parcels: &[Self::Parcel]) -> Result<(), RecordFailure>;

    /// What people should know of the deliveries so far, that failed in no way.
    fn take_notes(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// How an outbox is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutboxConfig {
    /// Spare parcels that may wait; more are thinned out.
    pub(crate) capacity: usize,
    /// How long to wait for company before something goes out.
    pub(crate) gather: Duration,
    /// How far apart attempts are.
    pub(crate) retry: RetryPolicy,
}

/// The near end, for the observer.
#[derive(Debug)]
pub(crate) struct Outbox<P> {
    shared: Arc<Shared<P>>,
}

#[derive(Debug)]
struct Shared<P> {
    state: Mutex<State<P>>,
    changed: Condvar,
    config: OutboxConfig,
}

#[derive(Debug)]
struct State<P> {
    waiting: VecDeque<P>,
    /// Parcels that the courier has.
    under_way: usize,
    /// Spare parcels left out since it was last told.
    thinned: usize,
    reports: Vec<Report>,
    last_failure: Option<String>,
    stage: Stage,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    /// What waits goes out without delay; then the thread ends.
    Closing,
    /// The thread is to end as it is.
    Abandoned,
    /// The thread has ended.
    Ended,
}

impl<P: Parcel> Outbox<P> {
    /// Starts the thread, under this name.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn open<C: Courier<Parcel = P>>(
        name: &str,
        config: OutboxConfig,
        mut courier: C,
    ) -> Result<Self, std::io::Error> {
        let state = State {
            waiting: VecDeque::new(),
            under_way: 0,
            thinned: 0,
            reports: Vec::new(),
            last_failure: None,
            stage: Stage::Open,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), config });
        let theirs = shared.clone();
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _ended = Ended(&*theirs); // also when the courier panics
            theirs.work(&mut courier);
        })?;
        Ok(Self { shared })
    }

    /// Puts something in; it never waits for the server.
    pub(crate) fn push(&self, parcel: P) {
        let mut state = self.shared.lock();
        if matches!(state.stage, Stage::Abandoned | Stage::Ended) {
            return;
        }
        state.waiting.retain(|waiting| !parcel.replaces(waiting));
        state.waiting.push_back(parcel);
        state.thin_out(self.shared.config.capacity);
        self.shared.changed.notify_all();
    }

    /// What there is to tell since the last time.
    pub(crate) fn take_reports(&self) -> Vec<Report> {
        std::mem::take(&mut self.shared.lock().reports)
    }

    /// Waits until everything is out, at most this long.
    ///
    /// # Errors
    /// How much is not, and why.
    pub(crate) fn finish(&self, deadline: Duration) -> Result<(), String> {
        let mut state = self.shared.lock();
        if state.stage == Stage::Open {
            state.stage = Stage::Closing;
        }
        self.shared.changed.notify_all();
        let ended = |state: &mut State<P>| state.stage != Stage::Ended;
        let (mut state, _) =
            self.shared.changed.wait_timeout_while(state, deadline, ended).unwrap_or_else(PoisonError::into_inner);
        let left = state.waiting.len() + state.under_way;
        if state.stage != Stage::Ended {
            state.stage = Stage::Abandoned;
            self.shared.changed.notify_all();
        }
        if left == 0 {
            return Ok(());
        }
        let cause = state.last_failure.clone().unwrap_or_else(|| "the server is too slow".to_owned());
        let seconds = deadline.as_secs_f64();
        Err(format!("{left} records were not delivered within {seconds:.1} s of the run's end: {cause}"))
    }
}

impl<P> Drop for Outbox<P> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if state.stage != Stage::Ended {
            state.stage = Stage::Abandoned;
        }
        self.shared.changed.notify_all();
    }
}

struct Ended<'a, P>(&'a Shared<P>);

impl<P> Drop for Ended<'_, P> {
    fn drop(&mut self) {
        self.0.lock().stage = Stage::Ended;
        self.0.changed.notify_all();
    }
}

impl<P> Shared<P> {
    fn lock(&self) -> MutexGuard<'_, State<P>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Parcel> Shared<P> {
    fn work<C: Courier<Parcel = P>>(&self, courier: &mut C) {
        let mut failures = 0;
        while let Some(parcels) = self.next(courier) {
            let outcome = courier.deliver(&parcels);
            let notes = courier.take_notes();
            let mut state = self.lock();
            state.under_way = 0;
            notes.into_iter().for_each(|note| state.report(Report::Trouble(note)));
            match outcome {
                Ok(()) => {
                    state.delivered(failures);
                    failures = 0;
                }
                Err(failure) if failure.kind == RecordFailureKind::Passing && !gives_up(&failure, failures) => {
                    failures += 1;
                    state.not_yet(parcels, failures, &failure);
                    self.pause(state, failures, &failure);
                }
                Err(failure) => {
                    failures = 0;
                    if state.refused(parcels.len(), failure) {
                        break;
                    }
                }
            }
        }
    }

    /// Waits for something to deliver; `None` when the thread is to end.
    fn next<C: Courier<Parcel = P>>(&self, courier: &C) -> Option<Vec<P>> {
        let idle = |state: &mut State<P>| state.stage == Stage::Open && state.waiting.is_empty();
        let mut state = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        if state.stage == Stage::Open {
            let few = |state: &mut State<P>| state.stage == Stage::Open && state.waiting.len() < ENOUGH;
            let gathered = self.changed.wait_timeout_while(state, self.config.gather, few);
            state = gathered.unwrap_or_else(PoisonError::into_inner).0;
        }
        if state.stage == Stage::Abandoned || state.waiting.is_empty() {
            return None;
        }
        let count = courier.load(&state.waiting).clamp(1, state.waiting.len());
        state.under_way = count;
        Some(state.waiting.drain(..count).collect())
    }

    /// Sleeps before the next attempt; the end of the run cuts it short.
    fn pause(&self, mut state: MutexGuard<'_, State<P>>, failures: u32, failure: &RecordFailure) {
        let jitter = RandomState::new().hash_one(failures) as f64 / u64::MAX as f64;
        let delay = failure.retry_after.unwrap_or_else(|| self.config.retry.delay(failures, jitter));
        let begun = Instant::now();
        loop {
            let limit = match state.stage {
                Stage::Open => delay,
                Stage::Closing => delay.min(LONGEST_DELAY_AT_END),
                Stage::Abandoned | Stage::Ended => return,
            };
            let Some(left) = limit.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) else { return };
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn gives_up(failure: &RecordFailure, failures: u32) -> bool {
    failure.status == Some(INTERNAL_ERROR) && failures + 1 >= MAX_INTERNAL_ERRORS
}

impl<P: Parcel> State<P> {
    fn thin_out(&mut self, capacity: usize) {
        if self.waiting.len() <= capacity {
            return;
        }
        let spare = self.waiting.iter().filter(|parcel| parcel.is_spare()).count();
        if spare <= capacity {
            return;
        }
        let (mut seen, before) = (0, self.waiting.len());
        self.waiting.retain(|parcel| {
            if !parcel.is_spare() {
                return true;
            }
            seen += 1;
            seen > spare.div_ceil(2) || seen % 2 == 0
        });
        self.thinned += before - self.waiting.len();
    }

    fn delivered(&mut self, failures: u32) {
        self.last_failure = None;
        if failures >= FAILURES_TO_TELL || self.thinned > 0 {
            let left_out = match std::mem::take(&mut self.thinned) {
                0 => String::new(),
                thinned => format!("; {thinned} records that mattered least were left out meanwhile"),
            };
            self.report(Report::Fine(format!("the server takes records again{left_out}")));
        }
    }

    fn not_yet(&mut self, parcels: Vec<P>, failures: u32, failure: &RecordFailure) {
        for parcel in parcels.into_iter().rev() {
            self.waiting.push_front(parcel);
        }
        self.last_failure = Some(failure.what.clone());
        if failures == FAILURES_TO_TELL {
            self.report(Report::Trouble(format!("{}; records are kept and sent later", failure.what)));
        }
    }

    /// Whether nothing can be delivered any more.
    fn refused(&mut self, count: usize, failure: RecordFailure) -> bool {
        let hopeless = failure.kind == RecordFailureKind::Hopeless;
        if hopeless {
            self.waiting.clear();
            self.report(Report::Trouble(format!("{}; nothing more is sent in this run", failure.what)));
        } else {
            let what = if count == 1 { "a record was".to_owned() } else { format!("{count} records were") };
            self.report(Report::Trouble(format!("{what} refused: {}", failure.what)));
        }
        hopeless
    }

    fn report(&mut self, report: Report) {
        if self.reports.len() < MAX_REPORTS && !self.reports.contains(&report) {
            self.reports.push(report);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: RetryPolicy = RetryPolicy {
        first_delay: Duration::from_millis(1),
        longest_delay: Duration::from_millis(4),
        deadline: Duration::from_secs(1),
    };
    const CONFIG: OutboxConfig = OutboxConfig { capacity: 100, gather: Duration::ZERO, retry: QUICK };
    const SOON: Duration = Duration::from_secs(20);

    /// Even numbers are spare.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct Number(u32);

    impl Parcel for Number {
        fn is_spare(&self) -> bool {
            self.0.is_multiple_of(2)
        }
        fn replaces(&self, waiting: &Self) -> bool {
            self.0 >= 1_000 && waiting.0 >= 1_000
        }
    }

    type Answer = Box<dyn FnMut(&[Number]) -> Result<(), RecordFailure> + Send>;
    struct Van(Arc<Mutex<Vec<u32>>>, Answer);

    impl Courier for Van {
        type Parcel = Number;
        fn load(&self, waiting: &VecDeque<Number>) -> usize {
            waiting.len().min(10)
        }
        fn deliver(&mut self, parcels: &[Number]) -> Result<(), RecordFailure> {
            (self.1)(parcels)?;
            self.0.lock().expect("not poisoned").extend(parcels.iter().map(|number| number.0));
            Ok(())
        }
    }

    fn open(
        config: OutboxConfig,
        answer: impl FnMut(&[Number]) -> Result<(), RecordFailure> + Send + 'static,
    ) -> (Outbox<Number>, Arc<Mutex<Vec<u32>>>) {
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let outbox = Outbox::open("test", config, Van(arrived.clone(), Box::new(answer))).expect("a thread");
        (outbox, arrived)
    }

    #[test]
    fn everything_arrives_in_order_over_failures_that_pass() {
        let mut calls = 0;
        let (outbox, arrived) = open(CONFIG, move |_| {
            calls += 1;
            if calls % 5 == 0 { Ok(()) } else { Err(RecordFailure::passing("busy")) }
        });
        (0..50).for_each(|number| outbox.push(Number(number)));
        outbox.finish(SOON).expect("in time");
        assert_eq!(*arrived.lock().expect("not poisoned"), (0..50).collect::<Vec<_>>());
        let reports = outbox.take_reports();
        assert!(reports.contains(&Report::Trouble("busy; records are kept and sent later".to_owned())), "{reports:?}");
        assert!(reports.contains(&Report::Fine("the server takes records again".to_owned())), "{reports:?}");
    }

    #[test]
    fn a_long_outage_thins_spare_parcels_only_and_evenly() {
        let away = Arc::new(Mutex::new(true));
        let seen = away.clone();
        let (outbox, arrived) = open(CONFIG, move |_| {
            if *seen.lock().expect("not poisoned") { Err(RecordFailure::passing("away")) } else { Ok(()) }
        });
        for number in 0..2_000 {
            outbox.push(Number(if number % 20 == 0 { number % 1_000 + 1 } else { 2 * (number % 450) }));
            assert!(outbox.shared.lock().waiting.len() <= 220, "100, what is kept, and what is under way");
        }
        *away.lock().expect("not poisoned") = false;
        outbox.finish(SOON).expect("in time");
        let arrived = arrived.lock().expect("not poisoned");
        assert_eq!(arrived.iter().filter(|number| !number.is_multiple_of(2)).count(), 100, "all that are not spare");
        let told = format!("{:?}", outbox.take_reports());
        assert!(told.contains("records that mattered least were left out meanwhile"), "{told}");
    }

    #[test]
    fn what_is_refused_does_not_hold_up_the_rest() {
        let (outbox, arrived) =
            open(
                CONFIG,
                |parcels| {
                    if parcels.contains(&Number(3)) { Err(RecordFailure::refused("no threes")) } else { Ok(()) }
                },
            );
        outbox.push(Number(3));
        while outbox.take_reports() != [Report::Trouble("a record was refused: no threes".to_owned())] {
            thread::yield_now();
        }
        outbox.push(Number(5));
        outbox.finish(SOON).expect("in time");
        assert_eq!(*arrived.lock().expect("not poisoned"), [5]);
    }

    #[test]
    fn without_hope_it_ends_at_once() {
        let (outbox, _) = open(CONFIG, |_| Err(RecordFailure::refused("who are you").or_hopeless()));
        outbox.push(Number(1));
        outbox.finish(SOON).expect("nothing waits any more");
        outbox.push(Number(3));
        outbox.finish(Duration::ZERO).expect("nothing is kept");
        let told = outbox.take_reports();
        assert_eq!(told, [Report::Trouble("who are you; nothing more is sent in this run".to_owned())]);
    }

    #[test]
    fn the_deadline_holds_and_says_what_is_lost() {
        let (outbox, _) = open(CONFIG, |_| Err(RecordFailure::passing("away")));
        (0..5).for_each(|number| outbox.push(Number(number)));
        let begun = Instant::now();
        let lost = outbox.finish(Duration::from_millis(100)).expect_err("nobody takes it");
        assert_eq!(lost, "5 records were not delivered within 0.1 s of the run's end: away");
        assert!(begun.elapsed() < Duration::from_secs(5));
        let slow = OutboxConfig { gather: Duration::ZERO, ..CONFIG };
        let (outbox, _) = open(slow, |_| {
            thread::sleep(Duration::from_millis(300));
            Ok(())
        });
        outbox.push(Number(1));
        let lost = outbox.finish(Duration::from_millis(50)).expect_err("still under way");
        assert!(lost.ends_with("the server is too slow"), "{lost}");
    }

    #[test]
    fn a_courier_that_panics_keeps_nobody_waiting() {
        let (outbox, _) = open(CONFIG, |_| panic!("on purpose"));
        outbox.push(Number(1));
        let begun = Instant::now();
        assert!(outbox.finish(SOON).is_err());
        assert!(begun.elapsed() < SOON / 2);
    }

    #[test]
    fn the_newer_replaces_the_older_and_company_is_waited_for() {
        let gather = OutboxConfig { gather: Duration::from_secs(30), ..CONFIG };
        let (outbox, arrived) = open(gather, |_| Ok(()));
        [1_000, 7, 1_002].into_iter().for_each(|number| outbox.push(Number(number)));
        outbox.finish(SOON).expect("the end does not wait for company");
        assert_eq!(*arrived.lock().expect("not poisoned"), [7, 1_002]);
    }
}
