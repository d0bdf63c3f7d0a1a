//! [`Statistics`]: what a model has done, in Triton's terms.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Timing;

/// Upper bounds of [`Statistics::latencies`], all but the last.
pub const LATENCY_BOUNDS: [Duration; 15] = {
    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }
    [
        Duration::from_micros(100),
        Duration::from_micros(500),
        ms(1),
        ms(2),
        ms(5),
        ms(10),
        ms(20),
        ms(50),
        ms(100),
        ms(200),
        ms(500),
        ms(1000),
        ms(2000),
        ms(5000),
        ms(10_000),
    ]
};

/// The most different numbers of rows that are told apart.
const SIZES: usize = 4096;

/// How often something happened and how long it took in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Total {
    /// How often.
    pub count: u64,
    /// How long, all together.
    pub time: Duration,
}

impl Total {
    fn add(&mut self, time: Duration) {
        self.count += 1;
        self.time += time;
    }
}

/// Forward passes of one number of rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchTotals {
    /// Joining inputs.
    pub input: Total,
    /// Forward passes.
    pub infer: Total,
    /// Parting outputs.
    pub output: Total,
}

/// What a model has done since it was loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Rows that were answered.
    pub rows: u64,
    /// Forward passes.
    pub passes: u64,
    /// Requests that were answered, and how long they took.
    pub success: Total,
    /// Requests that were not, and how long they took.
    pub failure: Total,
    /// Requests that were refused because too many waited.
    pub refused: u64,
    /// Requests whose client left before their forward pass.
    pub cancelled: u64,
    /// Waiting of answered requests.
    pub queue: Total,
    /// Joining inputs, counted by requests.
    pub input: Total,
    /// Forward passes, counted by requests.
    pub infer: Total,
    /// Parting outputs, counted by requests.
    pub output: Total,
    /// Answered requests by how long they took, up to each of [`LATENCY_BOUNDS`], and beyond.
    pub latencies: [u64; LATENCY_BOUNDS.len() + 1],
    /// Forward passes by their number of rows, of the first 4,096 different ones.
    pub batches: BTreeMap<usize, BatchTotals>,
    /// How long after 1970 the last request was answered, if one was.
    pub last: Option<Duration>,
}

impl Statistics {
    /// A forward pass that went well.
    pub(super) fn pass(&mut self, rows: usize, timing: &Timing) {
        self.passes += 1;
        self.rows += rows as u64;
        if self.batches.len() >= SIZES && !self.batches.contains_key(&rows) {
            return; // clients choose how many rows an engine without batches gets
        }
        let totals = self.batches.entry(rows).or_default();
        totals.input.add(timing.input);
        totals.infer.add(timing.infer);
        totals.output.add(timing.output);
    }

    /// A request that was answered.
    pub(super) fn succeeded(&mut self, timing: &Timing, took: Duration) {
        self.success.add(took);
        self.latencies[LATENCY_BOUNDS.partition_point(|&bound| bound < took)] += 1;
        self.queue.add(timing.queue);
        self.input.add(timing.input);
        self.infer.add(timing.infer);
        self.output.add(timing.output);
        self.last = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok();
    }

    /// A request that was not.
    pub(super) fn failed(&mut self, took: Duration) {
        self.failure.add(took);
    }
}
