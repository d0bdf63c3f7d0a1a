//! The queue: who waits, in which order they go, and who may share a forward pass. No threads, no clock of its own.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::{Priority, Reply, RequestError};
use crate::HostTensor;

/// How far the queue is searched for requests that fit into a batch.
const SEARCHED: usize = 256;

/// A request that waits.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) inputs: Vec<HostTensor>,
    pub(super) rows: usize,
    pub(super) priority: Priority,
    pub(super) arrived: Instant,
    pub(super) deadline: Instant,
    /// How often it was tried.
    pub(super) attempts: u32,
    pub(super) reply: oneshot::Sender<Reply>,
}

impl Pending {
    /// Hands over an answer; if nobody waits for it any more, it is dropped.
    pub(super) fn answer(self, reply: Reply) {
        let _ = self.reply.send(reply);
    }

    /// Whether both may share a forward pass: inputs differ in their first axis only. What failed before is tried alone, so that a
    /// bad input harms no other.
    fn goes_with(&self, other: &Self) -> bool {
        let alike = |(a, b): (&HostTensor, &HostTensor)| a.shape().get(1..) == b.shape().get(1..);
        self.attempts == 0 && other.attempts == 0 && self.inputs.iter().zip(&other.inputs).all(alike)
    }
}

/// Who waits, by priority, and within a priority by arrival.
#[derive(Debug, Default)]
pub(super) struct Queue {
    levels: [VecDeque<Pending>; 3],
    rows: usize,
}

impl Queue {
    /// How many rows wait.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// How many rows go before a new one of a priority.
    pub(super) fn rows_before(&self, priority: Priority) -> usize {
        match priority {
            Priority::Low => self.rows,
            _ => self.levels[..=priority as usize].iter().flatten().map(|pending| pending.rows).sum(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.levels.iter().all(VecDeque::is_empty)
    }

    pub(super) fn push(&mut self, pending: Pending) {
        self.rows += pending.rows;
        self.level(pending.priority).push_back(pending);
    }

    /// Puts one back that was taken and not answered.
    pub(super) fn push_front(&mut self, pending: Pending) {
        self.rows += pending.rows;
        self.level(pending.priority).push_front(pending);
    }

    fn level(&mut self, priority: Priority) -> &mut VecDeque<Pending> {
        &mut self.levels[priority as usize]
    }

    /// Takes out those whose deadline has passed, and drops those whom nobody waits for; says how many of these there were.
    pub(super) fn take_late(&mut self, now: Instant) -> (Vec<Pending>, u64) {
        let (mut late, mut left) = (Vec::new(), 0);
        for level in &mut self.levels {
            // Most often nobody is late: look before anything is moved.
            if !level.iter().any(|pending| pending.deadline <= now || pending.reply.is_closed()) {
                continue;
            }
            for pending in std::mem::take(level) {
                if pending.deadline > now && !pending.reply.is_closed() {
                    level.push_back(pending);
                    continue;
                }
                self.rows -= pending.rows;
                match pending.reply.is_closed() {
                    true => left += 1,
                    false => late.push(pending),
                }
            }
        }
        (late, left)
    }

    /// Who goes first: the highest priority, unless somebody has waited for longer than `patience`.
    fn first(&self, now: Instant, patience: Duration) -> Option<usize> {
        let heads = self.levels.iter().enumerate().filter_map(|(level, queue)| Some((level, queue.front()?)));
        let impatient = heads.clone().filter(|(_, head)| now.duration_since(head.arrived) > patience);
        let oldest = impatient.min_by_key(|(_, head)| head.arrived);
        oldest.or_else(|| heads.clone().next()).map(|(level, _)| level)
    }

    /// When the next forward pass may begin: at once when the rows that go together fill it, else when the first has waited for
    /// `max_delay`.
    pub(super) fn ready_at(&self, now: Instant, options: &super::BatchOptions) -> Option<Instant> {
        let level = self.first(now, options.patience)?;
        let first = self.levels[level].front()?;
        let mut rows = 0;
        let full = !options.max_delay.is_zero()
            && self.levels[level].iter().take(SEARCHED).filter(|other| first.goes_with(other)).any(|other| {
                rows += other.rows;
                rows >= options.max_rows
            });
        Some(if full || first.attempts > 0 { now } else { first.arrived + options.max_delay })
    }

    /// Takes the first and all that go with it, in their order, as far as they fit. Lower priorities fill what is left.
    pub(super) fn take_batch(&mut self, now: Instant, options: &super::BatchOptions) -> Vec<Pending> {
        let Some(level) = self.first(now, options.patience) else { return Vec::new() };
        let Some(first) = self.levels[level].pop_front() else { return Vec::new() };
        let mut rows = first.rows;
        let mut batch = vec![first];
        for level in (level..self.levels.len()).chain(0..level) {
            let mut place = 0;
            while rows < options.max_rows && place < self.levels[level].len().min(SEARCHED) {
                let other = &self.levels[level][place];
                if rows + other.rows <= options.max_rows && batch[0].goes_with(other) {
                    rows += other.rows;
                    batch.extend(self.levels[level].remove(place));
                } else {
                    place += 1;
                }
            }
        }
        self.rows -= rows;
        batch
    }

    /// Answers all that wait with an error.
    pub(super) fn refuse_all(&mut self, error: &RequestError) {
        self.rows = 0;
        self.levels.iter_mut().flat_map(std::mem::take).for_each(|pending| pending.answer(Err(error.clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batcher::BatchOptions;

    struct Bench {
        queue: Queue,
        start: Instant,
        waiting: Vec<oneshot::Receiver<Reply>>,
    }

    impl Bench {
        fn new() -> Self {
            Self { queue: Queue::default(), start: Instant::now(), waiting: Vec::new() }
        }

        /// A request of so many rows of so many numbers that arrives at a millisecond.
        fn push(&mut self, rows: usize, width: usize, priority: Priority, arrived_ms: u64) {
            let (reply, waits) = oneshot::channel();
            self.waiting.push(waits);
            let arrived = self.start + Duration::from_millis(arrived_ms);
            let inputs = vec![HostTensor::from_f32(vec![rows, width], &vec![0.0; rows * width])];
            let deadline = arrived + Duration::from_secs(1);
            self.queue.push(Pending { inputs, rows, priority, arrived, deadline, attempts: 0, reply });
        }

        fn taken(&mut self, at_ms: u64, options: &BatchOptions) -> Vec<(usize, usize)> {
            let batch = self.queue.take_batch(self.start + Duration::from_millis(at_ms), options);
            batch.iter().map(|pending| (pending.rows, pending.inputs[0].shape()[1])).collect()
        }
    }

    #[test]
    fn only_those_of_one_shape_share_a_pass() {
        let mut bench = Bench::new();
        for (rows, width) in [(2, 5), (3, 7), (4, 5), (1, 7), (2, 5)] {
            bench.push(rows, width, Priority::Normal, 0);
        }
        let options = BatchOptions::default();
        assert_eq!(bench.taken(0, &options), [(2, 5), (4, 5), (2, 5)]);
        assert_eq!(bench.queue.rows(), 4);
        assert_eq!(bench.taken(0, &options), [(3, 7), (1, 7)]);
        assert!(bench.queue.is_empty());
    }

    #[test]
    fn priorities_go_first_until_patience_ends() {
        let mut bench = Bench::new();
        bench.push(8, 1, Priority::Low, 0);
        bench.push(8, 2, Priority::High, 500);
        bench.push(8, 3, Priority::High, 501);
        let options = BatchOptions::default();
        assert_eq!(bench.taken(600, &options), [(8, 2)]);
        assert_eq!(bench.taken(1100, &options), [(8, 1)], "it has waited for more than a second");
        assert_eq!(bench.taken(1100, &options), [(8, 3)]);
    }

    #[test]
    fn a_pass_waits_for_others_but_not_when_it_is_full() {
        let mut bench = Bench::new();
        let options = BatchOptions { max_delay: Duration::from_millis(5), ..BatchOptions::default() };
        assert_eq!(bench.queue.ready_at(bench.start, &options), None);
        bench.push(5, 1, Priority::Normal, 0);
        assert_eq!(bench.queue.ready_at(bench.start, &options), Some(bench.start + options.max_delay));
        bench.push(3, 1, Priority::Normal, 1);
        assert_eq!(bench.queue.ready_at(bench.start, &options), Some(bench.start));
    }

    #[test]
    fn the_late_and_the_left_are_taken_out() {
        let mut bench = Bench::new();
        (0..3).for_each(|n| bench.push(1, 1, Priority::Normal, n * 400));
        bench.waiting.remove(2);
        let (late, left) = bench.queue.take_late(bench.start + Duration::from_millis(1000));
        assert_eq!((late.len(), left, bench.queue.rows()), (1, 1, 1), "one is late, one was left by its client");
    }
}
