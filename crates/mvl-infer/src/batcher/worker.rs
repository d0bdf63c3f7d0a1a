//! What a replica's thread does: takes what waits, runs it, hands out the answers, again and again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Answer, Pending, ReplicaId, RequestError, Shared, State, Timing};
use crate::tensor::{joined, parted};
use crate::{Engine, EngineError, HostTensor, TensorError};

/// How much the newest pass counts in what a row takes: one in five.
const NEWEST: u32 = 5;

/// What came of a forward pass.
enum Outcome {
    /// Outputs for each request, in order.
    Done(Vec<Vec<HostTensor>>, Timing),
    /// The inputs have no answer.
    Refused(String),
    /// The engine failed, perhaps so that it is out at once.
    Failed { message: String, out: bool },
    /// The last deadline passed first.
    Late,
    /// The engine takes no more for so long.
    Busy(Duration),
}

/// Runs until its replica is taken out, or the batcher is closed and all is answered.
pub(super) fn work(shared: &Shared, id: ReplicaId, engine: &dyn Engine) {
    while let Some(woken) = wait_for_work(shared, id) {
        let mut slot = shared.slots.as_ref().map(super::ComputeSlots::take);
        if let Some((batch, deadline)) = take_batch(shared, id) {
            if let Some(slot) = &mut slot {
                slot.rows = batch.iter().map(|inputs| rows_of(inputs, shared.signature.batched)).sum();
            }
            let begun = Instant::now();
            let outcome = run(engine, batch, deadline);
            end_pass(shared, id, outcome, begun, woken);
        }
    }
}

/// Blocks until something can be taken; says when that was. `None` when the thread shall end.
fn wait_for_work(shared: &Shared, id: ReplicaId) -> Option<Instant> {
    let mut state = shared.state();
    loop {
        let now = Instant::now();
        let replica = state.replicas.iter().find(|replica| replica.id == id)?;
        let able = replica.is_able(now);
        let out_until = replica.ejected_until.filter(|&until| until > now);
        state = tell_the_late(shared, state, now);
        if state.closing && state.queue.is_empty() {
            return None;
        }
        let ready_at = state.queue.ready_at(now, &shared.options);
        if able && ready_at.is_some_and(|ready| ready <= now || state.closing) {
            return Some(now);
        }
        // An ejected replica comes back; one that waits for a batch to fill takes what there is; both look after the late meanwhile.
        let until = if able { ready_at } else { out_until };
        state = match until {
            Some(until) => {
                let left = until.saturating_duration_since(now).max(Duration::from_micros(50));
                shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
            }
            None => shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
        };
    }
}

/// Answers those whose deadline has passed.
fn tell_the_late<'a>(shared: &'a Shared, mut state: MutexGuard<'a, State>, now: Instant) -> MutexGuard<'a, State> {
    let (late, left) = state.queue.take_late(now);
    if late.is_empty() && left == 0 {
        return state;
    }
    drop(state);
    shared.statistics().cancelled += left;
    for pending in late {
        shared.fail(pending, RequestError::Deadline);
    }
    shared.state()
}

/// Takes what goes together and notes it with the replica; says until when somebody waits for it. `None` when another was quicker.
fn take_batch(shared: &Shared, id: ReplicaId) -> Option<(Vec<Vec<HostTensor>>, Instant)> {
    let now = Instant::now();
    let mut state = tell_the_late(shared, shared.state(), now);
    if !state.replicas.iter().any(|replica| replica.id == id && replica.is_able(now)) {
        return None;
    }
    let batch = state.queue.take_batch(now, &shared.options);
    let deadline = batch.iter().map(|pending| pending.deadline).max()?;
    let more = !state.queue.is_empty();
    let inputs = batch.iter().map(|pending| pending.inputs.clone()).collect();
    let replica = state.replicas.iter_mut().find(|replica| replica.id == id)?;
    (replica.running, replica.since) = (batch, Some(now));
    drop(state);
    if more {
        shared.changed.notify_all(); // one alone might wake a replica that is out
    }
    Some((inputs, deadline))
}

/// One forward pass for several requests.
fn run(engine: &dyn Engine, requests: Vec<Vec<HostTensor>>, deadline: Instant) -> Outcome {
    let signature = engine.signature();
    let start = Instant::now();
    let rows: Vec<usize> = requests.iter().map(|inputs| rows_of(inputs, signature.batched)).collect();
    let inputs = in_inputs(requests, signature.inputs.len());
    let joined_at = Instant::now();
    let outputs = match catch_unwind(AssertUnwindSafe(|| engine.run_until(inputs, deadline))) {
        Ok(Ok(outputs)) => outputs,
        Ok(Err(EngineError::Input(message))) => return Outcome::Refused(message),
        Ok(Err(EngineError::Failed(message))) => return Outcome::Failed { message, out: false },
        Ok(Err(error @ EngineError::Unreachable(_))) => {
            return Outcome::Failed { message: error.to_string(), out: true };
        }
        Ok(Err(EngineError::Late)) => return Outcome::Late,
        Ok(Err(EngineError::Busy { retry_after })) => return Outcome::Busy(retry_after),
        Err(panic) => {
            let message = format!("the engine failed: {}", words_of(&*panic));
            return Outcome::Failed { message, out: true };
        }
    };
    let ran_at = Instant::now();
    let parts = match signature.check_outputs(&outputs) {
        Ok(()) if rows.len() == 1 => Ok(vec![outputs]),
        Ok(()) => in_requests(&outputs, &rows),
        Err(error) => Err(error),
    };
    match parts {
        Ok(parts) => {
            let timing = Timing {
                queue: Duration::ZERO,
                input: joined_at - start,
                infer: ran_at - joined_at,
                output: ran_at.elapsed(),
            };
            Outcome::Done(parts, timing)
        }
        Err(error) => Outcome::Failed { message: format!("the engine's answer is wrong: {error}"), out: false },
    }
}

/// Inputs of all requests together; of one alone, as they are.
fn in_inputs(mut requests: Vec<Vec<HostTensor>>, count: usize) -> Vec<HostTensor> {
    if requests.len() == 1 {
        return requests.remove(0);
    }
    let mut columns: Vec<Vec<HostTensor>> = vec![Vec::with_capacity(requests.len()); count];
    for inputs in requests {
        columns.iter_mut().zip(inputs).for_each(|(column, input)| column.push(input));
    }
    columns.into_iter().map(joined).collect()
}

/// Outputs sorted by request.
fn in_requests(outputs: &[HostTensor], rows: &[usize]) -> Result<Vec<Vec<HostTensor>>, TensorError> {
    let mut requests: Vec<Vec<HostTensor>> = vec![Vec::with_capacity(outputs.len()); rows.len()];
    for output in outputs {
        requests.iter_mut().zip(parted(output, rows)?).for_each(|(request, part)| request.push(part));
    }
    Ok(requests)
}

/// What a panic said.
fn words_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it panicked")
}

/// Hands out what came of a pass. If its replica was taken out meanwhile, its requests are with another already.
fn end_pass(shared: &Shared, id: ReplicaId, outcome: Outcome, begun: Instant, woken: Instant) {
    let now = Instant::now();
    let mut state = shared.state();
    let Some(place) = state.replicas.iter().position(|replica| replica.id == id) else { return };
    let replica = &mut state.replicas[place];
    let batch = std::mem::take(&mut replica.running);
    replica.since = None;
    match &outcome {
        Outcome::Done(..) => (replica.failures, replica.ejected_until) = (0, None),
        Outcome::Failed { out, .. } => replica.failed(*out, now, &shared.options),
        // These say nothing of the replica.
        Outcome::Refused(_) | Outcome::Late | Outcome::Busy(_) => {}
    }
    if replica.draining {
        state.replicas.remove(place);
    }
    match outcome {
        Outcome::Done(parts, timing) => {
            let rows = batch.iter().map(|pending| pending.rows).sum();
            state.note_pass(rows, now - woken);
            drop(state);
            hand_out(shared, batch, parts, timing, rows, begun);
        }
        Outcome::Refused(message) => match <[Pending; 1]>::try_from(batch) {
            Ok([alone]) => {
                drop(state);
                shared.fail(alone, RequestError::Input(message));
            }
            // Whose fault it is shows when each is tried alone.
            Err(batch) => try_again(shared, state, batch, u32::MAX, &RequestError::Failed(message)),
        },
        Outcome::Failed { message, .. } => {
            try_again(shared, state, batch, shared.options.attempts, &RequestError::Failed(message));
        }
        Outcome::Late => {
            drop(state);
            batch.into_iter().for_each(|pending| shared.fail(pending, RequestError::Deadline));
        }
        Outcome::Busy(retry_after) => {
            // Once each: who has too much to do is not to be asked again and again.
            let able = state.replicas.iter().filter(|replica| replica.is_able(now)).count();
            let attempts = shared.options.attempts.min(u32::try_from(able).unwrap_or(u32::MAX));
            try_again(shared, state, batch, attempts, &RequestError::Overloaded { retry_after });
        }
    }
    shared.changed.notify_all();
}

/// Puts requests back, to be tried alone, unless they were tried often enough.
fn try_again(
    shared: &Shared,
    mut state: MutexGuard<'_, State>,
    batch: Vec<Pending>,
    attempts: u32,
    error: &RequestError,
) {
    let alone = state.replicas.is_empty();
    let mut given_up = Vec::new();
    for mut pending in batch.into_iter().rev() {
        pending.attempts += 1;
        if pending.attempts >= attempts || alone {
            given_up.push(pending);
        } else {
            state.queue.push_front(pending);
        }
    }
    drop(state);
    given_up.into_iter().for_each(|pending| shared.fail(pending, error.clone()));
}

fn hand_out(
    shared: &Shared,
    batch: Vec<Pending>,
    parts: Vec<Vec<HostTensor>>,
    timing: Timing,
    batch_rows: usize,
    begun: Instant,
) {
    let mut statistics = shared.statistics();
    statistics.pass(batch_rows, &timing);
    for pending in &batch {
        let timing = Timing { queue: begun.saturating_duration_since(pending.arrived), ..timing };
        statistics.succeeded(&timing, pending.arrived.elapsed());
    }
    drop(statistics);
    for (pending, outputs) in batch.into_iter().zip(parts) {
        let timing = Timing { queue: begun.saturating_duration_since(pending.arrived), ..timing };
        pending.answer(Ok(Answer { outputs, timing, batch_rows }));
    }
}

/// How many rows of a forward pass a request has.
pub(super) fn rows_of(inputs: &[HostTensor], batched: bool) -> usize {
    match inputs.first().and_then(|input| input.shape().first()) {
        Some(&rows) if batched => rows,
        _ => 1,
    }
}

impl Shared {
    /// Answers a request on the caller's thread.
    pub(super) fn run_alone(
        &self,
        engine: &dyn Engine,
        inputs: Vec<HostTensor>,
        rows: usize,
        arrived: Instant,
        deadline: Instant,
    ) -> Result<Answer, RequestError> {
        let outcome = match self.state().closing {
            true => Err(RequestError::Closed),
            false => match run(engine, vec![inputs], deadline) {
                Outcome::Done(mut parts, timing) => Ok((parts.remove(0), timing)),
                Outcome::Refused(message) => Err(RequestError::Input(message)),
                Outcome::Failed { message, .. } => Err(RequestError::Failed(message)),
                Outcome::Late => Err(RequestError::Deadline),
                Outcome::Busy(retry_after) => Err(RequestError::Overloaded { retry_after }),
            },
        };
        let mut statistics = self.statistics();
        match outcome {
            Ok((outputs, timing)) => {
                statistics.pass(rows, &timing);
                statistics.succeeded(&timing, arrived.elapsed());
                Ok(Answer { outputs, timing, batch_rows: rows })
            }
            Err(error) => {
                statistics.failed(arrived.elapsed());
                Err(error)
            }
        }
    }
}

impl State {
    /// Remembers what a row takes.
    fn note_pass(&mut self, rows: usize, took: Duration) {
        let new = took / u32::try_from(rows.max(1)).unwrap_or(u32::MAX);
        self.row_time = Some(match self.row_time {
            Some(known) => known * (NEWEST - 1) / NEWEST + new / NEWEST,
            None => new,
        });
    }
}
