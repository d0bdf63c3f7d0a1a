//! Batches, refusals, failures and replicas, with engines that can be held up.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;
use crate::{DataType, EngineError, HostTensor, TensorSpec};

type Deed = dyn Fn(&[HostTensor]) -> Result<(), EngineError> + Send + Sync;

/// Gives back its input, after doing something.
struct Acting {
    signature: Signature,
    passes: AtomicUsize,
    deed: Box<Deed>,
}

fn acting(deed: impl Fn(&[HostTensor]) -> Result<(), EngineError> + Send + Sync + 'static) -> Arc<Acting> {
    let spec = |name| vec![TensorSpec::new(name, DataType::Fp32, &[-1, -1])];
    let signature = Signature { inputs: spec("x"), outputs: spec("y"), batched: true };
    Arc::new(Acting { signature, passes: AtomicUsize::new(0), deed: Box::new(deed) })
}

impl Engine for Acting {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn platform(&self) -> &str {
        "acting"
    }

    fn run(&self, inputs: Vec<HostTensor>) -> Result<Vec<HostTensor>, EngineError> {
        self.passes.fetch_add(1, Ordering::SeqCst);
        (self.deed)(&inputs)?;
        Ok(inputs)
    }
}

fn row(value: f32) -> Request {
    Request::new(vec![HostTensor::from_f32(vec![1, 1], &[value])])
}

fn value(answer: &Answer) -> f32 {
    answer.outputs[0].to_f32().expect("numbers")[0]
}

const MS: Duration = Duration::from_millis(1);

#[test]
fn requests_that_wait_share_a_pass_and_get_their_own_rows() {
    let gate = Arc::new(Barrier::new(2));
    let engine = acting({
        let (gate, first) = (gate.clone(), AtomicBool::new(true));
        move |_| {
            if first.swap(false, Ordering::SeqCst) {
                gate.wait();
            }
            Ok(())
        }
    });
    let batcher = Batcher::start(vec![engine.clone()], BatchOptions::default());
    let first = batcher.submit(row(0.0));
    while batcher.replicas()[0].running.is_none() {
        std::thread::yield_now();
    }
    let others: Vec<Ticket> = (1..=10).map(|n| batcher.submit(row(n as f32))).collect();
    gate.wait();
    assert_eq!(value(&first.wait().expect("answered")), 0.0);
    for (n, ticket) in others.into_iter().enumerate() {
        let answer = ticket.wait().expect("answered");
        assert_eq!((value(&answer), answer.batch_rows), (n as f32 + 1.0, if n < 8 { 8 } else { 2 }));
    }
    let statistics = batcher.statistics();
    assert_eq!((statistics.passes, statistics.rows, statistics.success.count), (3, 11, 11));
    assert_eq!(statistics.batches.keys().copied().collect::<Vec<_>>(), [1, 2, 8]);
}

#[test]
fn a_full_queue_and_a_hopeless_deadline_are_refused_at_once() {
    let engine = acting(|_| {
        std::thread::sleep(20 * MS);
        Ok(())
    });
    let options = BatchOptions { max_rows: 1, queue_rows: 4, ..BatchOptions::default() };
    let batcher = Batcher::start(vec![engine], options);
    batcher.submit(row(0.0)).wait().expect("answered; now it is known what a row takes");
    let asked = Instant::now();
    let soon = Request { deadline: Some(Instant::now() + 5 * MS), ..row(1.0) };
    let refused = batcher.submit(soon).wait().expect_err("it takes 20 ms");
    assert!(matches!(refused, RequestError::Overloaded { retry_after } if retry_after >= 15 * MS), "{refused:?}");
    assert!(asked.elapsed() < 10 * MS);
    let tickets: Vec<Ticket> = (0..8).map(|n| batcher.submit(row(n as f32))).collect();
    let replies: Vec<_> = tickets.into_iter().map(Ticket::wait).collect();
    let answered = replies.iter().filter(|reply| reply.is_ok()).count();
    assert!((4..=5).contains(&answered), "four wait and one may run: {answered}");
    assert_eq!(batcher.statistics().refused as usize, 1 + 8 - answered);
}

#[test]
fn a_deadline_that_passes_in_the_queue_is_told() {
    let gate = Arc::new(Barrier::new(2));
    let engine = acting({
        let gate = gate.clone();
        move |_| {
            gate.wait();
            Ok(())
        }
    });
    let batcher = Batcher::start(vec![engine.clone()], BatchOptions::default());
    let first = batcher.submit(row(0.0));
    while batcher.replicas()[0].running.is_none() {
        std::thread::yield_now();
    }
    let soon = batcher.submit(Request { deadline: Some(Instant::now() + 5 * MS), ..row(1.0) });
    std::thread::sleep(10 * MS);
    gate.wait();
    first.wait().expect("answered");
    assert_eq!(soon.wait().expect_err("late"), RequestError::Deadline);
    assert_eq!(engine.passes.load(Ordering::SeqCst), 1, "what is late is not computed");
}

#[test]
fn a_bad_input_harms_no_other() {
    let gate = Arc::new(Barrier::new(2));
    let engine = acting({
        let (gate, first) = (gate.clone(), AtomicBool::new(true));
        move |inputs| {
            if first.swap(false, Ordering::SeqCst) {
                gate.wait();
            }
            match inputs[0].to_f32()?.contains(&-1.0) {
                true => Err(EngineError::Input("negative".to_owned())),
                false => Ok(()),
            }
        }
    });
    let batcher = Batcher::start(vec![engine], BatchOptions::default());
    let first = batcher.submit(row(0.0));
    while batcher.replicas()[0].running.is_none() {
        std::thread::yield_now();
    }
    let tickets: Vec<Ticket> = [1.0, -1.0, 2.0].into_iter().map(|value| batcher.submit(row(value))).collect();
    gate.wait();
    first.wait().expect("answered");
    let replies: Vec<_> = tickets.into_iter().map(|ticket| ticket.wait().map(|answer| value(&answer))).collect();
    assert_eq!(replies, [Ok(1.0), Err(RequestError::Input("negative".to_owned())), Ok(2.0)]);
}

#[test]
fn what_a_failing_replica_had_is_answered_by_another() {
    let failing = acting(|_| panic!("broken on purpose"));
    let sound = acting(|_| Ok(()));
    let options = BatchOptions { ejected_for: Duration::from_secs(60), ..BatchOptions::default() };
    let batcher = Batcher::start(vec![failing.clone(), sound], options);
    for n in 0..50 {
        assert_eq!(value(&batcher.submit(row(n as f32)).wait().expect("answered")), n as f32);
    }
    assert!(failing.passes.load(Ordering::SeqCst) <= 1, "it was taken out");
}

#[test]
fn a_replica_that_always_fails_gives_errors_and_comes_back() {
    let broken = Arc::new(AtomicBool::new(true));
    let engine = acting({
        let broken = broken.clone();
        move |_| match broken.load(Ordering::SeqCst) {
            true => Err(EngineError::Failed("no memory".to_owned())),
            false => Ok(()),
        }
    });
    let options = BatchOptions { ejected_for: 5 * MS, ..BatchOptions::default() };
    let batcher = Batcher::start(vec![engine], options);
    let error = batcher.submit(row(1.0)).wait().expect_err("broken");
    assert_eq!(error, RequestError::Failed("no memory".to_owned()));
    assert_eq!(batcher.replicas()[0].health, ReplicaHealth::Ejected);
    broken.store(false, Ordering::SeqCst);
    batcher.submit(row(1.0)).wait().expect("it has come back");
    assert_eq!(batcher.replicas()[0].failures, 0);
}

#[test]
fn a_replica_that_hangs_can_be_taken_out_and_loses_nothing() {
    let gate = Arc::new(Barrier::new(2));
    let hanging = acting({
        let gate = gate.clone();
        move |_| {
            gate.wait();
            Ok(())
        }
    });
    let batcher = Batcher::start(vec![hanging], BatchOptions::default());
    let ticket = batcher.submit(row(7.0));
    while batcher.replicas()[0].running.is_none() {
        std::thread::yield_now();
    }
    batcher.add_replica(acting(|_| Ok(())));
    assert!(batcher.remove_replica(batcher.replicas()[0].id, false));
    assert_eq!(value(&ticket.wait().expect("by the other")), 7.0);
    gate.wait(); // its thread ends too
}

#[test]
fn a_ticket_that_is_dropped_costs_no_pass() {
    let gate = Arc::new(Barrier::new(2));
    let engine = acting({
        let gate = gate.clone();
        move |inputs| {
            if inputs[0].to_f32()?[0] == 0.0 {
                gate.wait();
            }
            Ok(())
        }
    });
    let batcher = Batcher::start(vec![engine.clone()], BatchOptions::default());
    let first = batcher.submit(row(0.0));
    while batcher.replicas()[0].running.is_none() {
        std::thread::yield_now();
    }
    drop(batcher.submit(row(1.0)));
    gate.wait();
    first.wait().expect("answered");
    assert!(batcher.drain(Duration::from_secs(5)));
    assert_eq!((engine.passes.load(Ordering::SeqCst), batcher.statistics().cancelled), (1, 1));
    assert_eq!(batcher.submit(row(1.0)).wait().expect_err("closed"), RequestError::Closed);
}

#[test]
fn models_take_turns() {
    let slots = ComputeSlots::new(1);
    let slow = || {
        acting(|_| {
            std::thread::sleep(2 * MS);
            Ok(())
        })
    };
    let options = BatchOptions { max_rows: 1, ..BatchOptions::default() };
    let busy = Batcher::start_in(vec![slow(), slow()], options, Some(slots.clone()));
    let quiet = Batcher::start_in(vec![slow()], options, Some(slots));
    let tickets: Vec<Ticket> = (0..100).map(|n| busy.submit(row(n as f32))).collect();
    quiet.submit(row(1.0)).wait().expect("answered");
    let left = busy.queued_rows();
    assert!(left > 50, "one request need not wait until the other model has answered a hundred: {left} left");
    tickets.into_iter().for_each(|ticket| drop(ticket.wait().expect("answered")));
}

#[test]
fn a_deadline_that_was_too_short_takes_no_replica_out() {
    let engine = acting(|inputs| match inputs[0].to_f32()?[0] < 0.0 {
        true => Err(EngineError::Late),
        false => Ok(()),
    });
    let batcher = Batcher::start(vec![engine.clone()], BatchOptions::default());
    for _ in 0..5 {
        assert_eq!(batcher.submit(row(-1.0)).wait().expect_err("late"), RequestError::Deadline);
    }
    let report = batcher.replicas()[0];
    assert_eq!((report.health, report.failures), (ReplicaHealth::Healthy, 0));
    batcher.submit(row(1.0)).wait().expect("answered");
    assert_eq!(engine.passes.load(Ordering::SeqCst), 6, "what is late is not tried again");
    assert_eq!(batcher.statistics().failure.count, 5);
}

#[test]
fn a_replica_with_too_much_to_do_stays_in_and_another_is_asked() {
    let busy = || acting(|_| Err(EngineError::Busy { retry_after: 7 * MS }));
    let alone = busy();
    let batcher = Batcher::start(vec![alone.clone()], BatchOptions::default());
    let refused = batcher.submit(row(1.0)).wait().expect_err("busy");
    assert_eq!(refused, RequestError::Overloaded { retry_after: 7 * MS });
    assert_eq!(alone.passes.load(Ordering::SeqCst), 1, "it is not asked again at once");
    assert_eq!((batcher.statistics().refused, batcher.statistics().failure.count), (1, 0));
    let free = acting(|_| Ok(()));
    let batcher = Batcher::start(vec![busy(), free.clone()], BatchOptions::default());
    let answered = (0..50).filter(|&n| batcher.submit(row(n as f32)).wait().is_ok()).count();
    assert_eq!(answered, free.passes.load(Ordering::SeqCst));
    assert!(answered > 0, "another is asked");
    assert!(batcher.replicas().iter().all(|replica| replica.health == ReplicaHealth::Healthy));
}
