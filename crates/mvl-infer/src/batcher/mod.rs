//! [`Batcher`]: puts requests that arrive together into one forward pass, over one replica or several.
//!
//! Each replica has a thread that takes what waits, so requests gather by themselves while all are busy. A request is refused at once
//! when the queue is full or when, by what the last passes took, it cannot be answered before its deadline. A replica that fails is
//! taken out for a while and what it had is tried on another.

mod climber;
mod composing;
mod options;
mod queue;
mod replica;
mod request;
mod request_error;
mod slots;
mod statistics;
mod worker;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::{Composed, Engine, Signature};
pub use options::BatchOptions;
use queue::{Pending, Queue};
use replica::Replica;
pub use replica::{ReplicaHealth, ReplicaId, ReplicaReport};
use request::Reply;
pub use request::{Answer, Priority, Request, Ticket, Timing};
pub use request_error::RequestError;
pub use slots::ComputeSlots;
pub use statistics::{BatchTotals, LATENCY_BOUNDS, Statistics, Total};

/// Answers requests with forward passes shared between them.
///
/// ```
/// use std::sync::Arc;
/// use mvl_infer::{BatchOptions, Batcher, DataType, HostTensor, IdentityEngine, Request};
///
/// let engine = Arc::new(IdentityEngine::new(&[DataType::Fp32]));
/// let batcher = Batcher::start(vec![engine.clone(), engine], BatchOptions::default());
/// let ticket = batcher.submit(Request::new(vec![HostTensor::from_f32(vec![1, 2], &[1.0, 2.0])]));
/// let answer = ticket.wait().unwrap(); // or `ticket.await`
/// assert_eq!(answer.outputs[0].to_f32().unwrap(), [1.0, 2.0]);
/// ```
pub struct Batcher {
    shared: Arc<Shared>,
}

struct Shared {
    signature: Signature,
    platform: String,
    options: BatchOptions,
    slots: Option<ComputeSlots>,
    state: Mutex<State>,
    /// Told when something comes into the queue, a replica changes, or all ends.
    changed: Condvar,
    statistics: Mutex<Statistics>,
    /// An engine that is quicker than handing over to a thread.
    instant: Option<Arc<dyn Engine>>,
    /// An engine that asks other models.
    composed: Option<Arc<dyn Composed>>,
    /// Rows of its requests that are under way.
    composing_rows: AtomicUsize,
}

struct State {
    queue: Queue,
    replicas: Vec<Replica>,
    next_replica: usize,
    closing: bool,
    /// What a row has lately taken on a replica, waiting for its turn included.
    row_time: Option<Duration>,
}

impl Batcher {
    /// Starts a thread for each replica. All must have the signature of the first.
    ///
    /// # Panics
    /// Without a replica, or when a thread cannot be started.
    pub fn start(replicas: Vec<Arc<dyn Engine>>, options: BatchOptions) -> Self {
        Self::start_in(replicas, options, None)
    }

    /// The same, taking turns with the other models that share the slots.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn start_in(replicas: Vec<Arc<dyn Engine>>, options: BatchOptions, slots: Option<ComputeSlots>) -> Self {
        let first = replicas.first().expect("at least one replica");
        let signature = first.signature().clone();
        let options = if signature.batched { options } else { BatchOptions { max_rows: 1, ..options } };
        let shared = Shared {
            platform: first.platform().to_owned(),
            instant: first.instant().then(|| first.clone()),
            composed: first.composed(),
            composing_rows: AtomicUsize::new(0),
            signature,
            options,
            slots,
            state: Mutex::new(State {
                queue: Queue::default(),
                replicas: Vec::new(),
                next_replica: 0,
                closing: false,
                row_time: None,
            }),
            changed: Condvar::new(),
            statistics: Mutex::default(),
        };
        let batcher = Self { shared: Arc::new(shared) };
        for engine in replicas {
            batcher.add_replica(engine);
        }
        batcher
    }

    /// Which tensors the model takes and gives.
    pub fn signature(&self) -> &Signature {
        &self.shared.signature
    }

    /// What computes.
    pub fn platform(&self) -> &str {
        &self.shared.platform
    }

    /// How requests are put together.
    pub fn options(&self) -> &BatchOptions {
        &self.shared.options
    }

    /// What was done so far.
    pub fn statistics(&self) -> Statistics {
        self.shared.statistics().clone()
    }

    /// Begins to count anew, after a warm-up.
    pub fn clear_statistics(&self) {
        *self.shared.statistics() = Statistics::default();
    }

    /// How many rows wait.
    pub fn queued_rows(&self) -> usize {
        self.shared.state().queue.rows()
    }

    /// Asks. Never blocks: what cannot be answered in time is refused at once, by the ticket.
    pub fn submit(&self, request: Request) -> Ticket {
        let now = Instant::now();
        let Request { inputs, priority, deadline } = request;
        let deadline = deadline.unwrap_or(now + self.shared.options.timeout);
        let rows = worker::rows_of(&inputs, self.shared.signature.batched);
        if let Some(composed) = &self.shared.composed {
            let request = Request { inputs, priority, deadline: Some(deadline) };
            return composing::ask(&self.shared, &**composed, request, rows, now);
        }
        if rows > self.shared.options.max_rows && self.shared.instant.is_none() {
            let most = self.shared.options.max_rows;
            let what = format!("expected at most {most} rows in a request, got {rows}; send several");
            self.shared.statistics().failed(Duration::ZERO);
            return Ticket::answered(Err(RequestError::Input(what)));
        }
        if let Some(engine) = &self.shared.instant {
            return Ticket::answered(self.shared.run_alone(&**engine, inputs, rows, now, deadline));
        }
        let (reply, waits) = oneshot::channel();
        self.shared.enqueue(Pending { inputs, rows, priority, arrived: now, deadline, attempts: 0, reply }, now);
        Ticket::waiting(waits)
    }

    /// Starts another replica. The engine must have the signature of the others.
    ///
    /// # Panics
    /// When it has another signature, or its thread cannot be started.
    pub fn add_replica(&self, engine: Arc<dyn Engine>) -> ReplicaId {
        assert_eq!(engine.signature(), &self.shared.signature, "replicas have one signature");
        let mut state = self.shared.state();
        let id = ReplicaId(state.next_replica);
        state.next_replica += 1;
        state.replicas.push(Replica::new(id));
        drop(state);
        let shared = self.shared.clone();
        let name = format!("replica-{}", id.0);
        std::thread::Builder::new()
            .name(name)
            .spawn(move || worker::work(&shared, id, &*engine))
            .expect("a thread can be started");
        id
    }

    /// Takes a replica out. With `drain` it ends what it has begun; without, that is tried on another at once, whatever the replica is
    /// at. False when there is no such replica.
    pub fn remove_replica(&self, id: ReplicaId, drain: bool) -> bool {
        let mut state = self.shared.state();
        let Some(place) = state.replicas.iter().position(|replica| replica.id == id) else { return false };
        if drain && state.replicas[place].is_running() {
            state.replicas[place].draining = true;
        } else {
            let removed = state.replicas.remove(place);
            removed.running.into_iter().rev().for_each(|pending| state.queue.push_front(pending));
        }
        if state.replicas.is_empty() {
            state.queue.refuse_all(&no_replica());
        }
        drop(state);
        self.shared.changed.notify_all();
        true
    }

    /// How the replicas are.
    pub fn replicas(&self) -> Vec<ReplicaReport> {
        let now = Instant::now();
        self.shared.state().replicas.iter().map(|replica| replica.report(now)).collect()
    }

    /// Takes no requests any more; those that wait are still answered.
    pub fn close(&self) {
        self.shared.state().closing = true;
        self.shared.changed.notify_all();
    }

    /// Closes, and blocks until all that wait are answered, for so long at most. True when they are.
    pub fn drain(&self, timeout: Duration) -> bool {
        self.close();
        let until = Instant::now() + timeout;
        let mut state = self.shared.state();
        loop {
            let composing = self.shared.composing_rows.load(Ordering::Acquire) > 0;
            let idle = state.queue.is_empty() && !composing && !state.replicas.iter().any(Replica::is_running);
            let left = until.saturating_duration_since(Instant::now());
            if idle || left.is_zero() {
                return idle;
            }
            let waited = self.shared.changed.wait_timeout(state, left.min(Duration::from_millis(20)));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Batcher {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Batcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batcher").field("platform", &self.shared.platform).field("replicas", &self.replicas()).finish()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn statistics(&self) -> MutexGuard<'_, Statistics> {
        self.statistics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a request wait, or refuses it.
    fn enqueue(&self, pending: Pending, now: Instant) {
        let mut state = self.state();
        if state.closing {
            drop(state);
            return self.fail(pending, RequestError::Closed);
        }
        if state.replicas.is_empty() {
            drop(state);
            return self.fail(pending, no_replica());
        }
        let wait = state.expected_wait(&pending, now);
        let full = state.queue.rows() + pending.rows > self.options.queue_rows;
        // Some passes take longer than the last ones did: a quarter is kept in reserve.
        if full || now + wait + wait / 4 > pending.deadline {
            drop(state);
            self.statistics().refused += 1;
            let retry_after = wait.max(Duration::from_millis(1));
            return pending.answer(Err(RequestError::Overloaded { retry_after }));
        }
        state.queue.push(pending);
        drop(state);
        self.changed.notify_all(); // one alone might wake a replica that is out
    }

    /// Tells whoever waits that there is no answer, and counts it.
    fn fail(&self, pending: Pending, error: RequestError) {
        match error {
            RequestError::Overloaded { .. } => self.statistics().refused += 1,
            _ => self.statistics().failed(pending.arrived.elapsed()),
        }
        pending.answer(Err(error));
    }
}

fn no_replica() -> RequestError {
    RequestError::Failed("the model has no replica left".to_owned())
}

impl State {
    /// How long a request that comes now takes until it is answered, by what the last ones took.
    fn expected_wait(&self, pending: &Pending, now: Instant) -> Duration {
        let Some(row_time) = self.row_time else { return Duration::ZERO };
        let able = self.replicas.iter().filter(|replica| replica.is_able(now)).count();
        // Without a replica that is able, until the first one is.
        let until_able = if able == 0 { self.replicas.iter().filter_map(|r| r.ejected_until).min() } else { None };
        let until_able = until_able.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        let running: usize = self.replicas.iter().map(Replica::running_rows).sum();
        let rows = self.queue.rows_before(pending.priority) + running + pending.rows;
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        until_able + row_time.saturating_mul(rows) / u32::try_from(able.max(1)).unwrap_or(1)
    }
}

#[cfg(test)]
mod tests;
