//! [`Climber`]: finds how many forward passes at once answer the most rows a second, by trying one more and one less.
//!
//! A search for the top of a hill by steps of one, as congestion control of networks and of services does it (D. M. Chiu, R. Jain:
//! Analysis of the Increase and Decrease Algorithms for Congestion Avoidance, 1989): more at once is kept only while it is worth it, for what
//! brings no more answers only makes each of them later. No threads, no clock of its own.

use std::time::{Duration, Instant};

/// For how long rows are counted before a judgement, at least.
const WINDOW: Duration = Duration::from_millis(250);
/// And how many forward passes, for each that may run at once.
const PASSES: usize = 8;
/// What counts as more or less: three in a hundred.
const NOISE: f64 = 0.03;
/// After so many windows at one place it is tried again, for the load may be another.
const REST: u32 = 20;

/// How many forward passes may run at once, and the way to a better number.
#[derive(Debug)]
pub(super) struct Climber {
    most: usize,
    limit: usize,
    up: bool,
    /// Rows a second before the last step.
    before: Option<f64>,
    /// Windows to stay where it is.
    rests: u32,
    window: Option<Window>,
}

#[derive(Debug)]
struct Window {
    begun: Instant,
    rows: usize,
    passes: usize,
    /// Passes at whose end another waited for its turn.
    contended: usize,
}

impl Climber {
    /// From one at a time to `most`.
    pub(super) fn new(most: usize) -> Self {
        Self { most, limit: 1, up: true, before: None, rests: 0, window: None }
    }

    /// Counts a pass that ended now, and says how many may run at once from here on.
    pub(super) fn ended(&mut self, rows: usize, others_wait: bool, now: Instant) -> usize {
        let Some(window) = &mut self.window else {
            // When this one began is not known: it only says when the next begins.
            self.window = Some(Window { begun: now, rows: 0, passes: 0, contended: 0 });
            return self.limit;
        };
        window.rows += rows;
        window.passes += 1;
        window.contended += usize::from(others_wait);
        let took = now.duration_since(window.begun);
        if took < WINDOW || window.passes < PASSES * self.limit {
            return self.limit;
        }
        let rate = window.rows as f64 / took.as_secs_f64();
        // Where nobody waits, rows a second tell how much was asked, not how much can be done.
        let is_full = 2 * window.contended >= window.passes;
        self.window = None;
        if is_full {
            self.judge(rate);
        } else {
            self.before = None;
        }
        self.limit
    }

    fn judge(&mut self, rate: f64) {
        if self.rests > 0 {
            self.rests -= 1;
            self.before = None;
            return;
        }
        let Some(before) = self.before else {
            // Where there is no way on, the other is tried.
            self.up = if self.up { self.limit < self.most } else { self.limit == 1 };
            return self.step(rate);
        };
        let is_better = rate > before * (1.0 + NOISE);
        let is_worse = rate < before * (1.0 - NOISE);
        // As many rows with fewer at once is better: each of them is answered sooner.
        if is_better || (!self.up && !is_worse) {
            return match self.limit {
                1 => self.rest(),
                limit if self.up && limit == self.most => self.rest(),
                _ => self.step(rate),
            };
        }
        self.up = !self.up;
        self.move_on();
        self.rest();
    }

    fn step(&mut self, rate: f64) {
        self.before = Some(rate);
        self.move_on();
    }

    fn move_on(&mut self) {
        self.limit = if self.up { (self.limit + 1).min(self.most) } else { self.limit.saturating_sub(1).max(1) };
    }

    fn rest(&mut self) {
        self.before = None;
        self.rests = REST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goes on for so many seconds on a machine that does so many rows a second with so many passes at once.
    fn climbed(climber: &mut Climber, seconds: u64, others_wait: bool, rate: impl Fn(usize) -> f64) -> Vec<usize> {
        let start = Instant::now();
        let (mut at, mut limits) = (Duration::ZERO, Vec::new());
        while at < Duration::from_secs(seconds) {
            at += Duration::from_secs_f64(1.0 / rate(climber.limit));
            limits.push(climber.ended(1, others_wait, start + at));
        }
        limits
    }

    fn mostly(limits: &[usize], wanted: usize) -> bool {
        limits[limits.len() / 2..].iter().filter(|&&limit| limit == wanted).count() > 7 * limits.len() / 20
    }

    #[test]
    fn it_goes_where_more_is_answered_and_no_further() {
        // Four processors: as many passes at once are answered as there are processors.
        let limits = climbed(&mut Climber::new(16), 60, true, |n| 100.0 * n.min(4) as f64);
        assert!(mostly(&limits, 4), "{:?}", limits.last());
        assert!(limits.iter().all(|&limit| limit <= 5));
        // One pass has the whole machine to itself: two only make each later.
        assert!(mostly(&climbed(&mut Climber::new(16), 60, true, |_| 300.0), 1));
        // More at once is worse.
        assert!(mostly(&climbed(&mut Climber::new(16), 60, true, |n| 300.0 / n as f64), 1));
        assert!(mostly(&climbed(&mut Climber::new(2), 60, true, |n| 100.0 * n as f64), 2), "never more than allowed");
        // A tenth more is worth it, also where passes take long.
        assert!(mostly(&climbed(&mut Climber::new(4), 600, true, |n| 10.0 + n.min(2) as f64), 2));
    }

    #[test]
    fn it_follows_another_load() {
        let mut climber = Climber::new(8);
        climbed(&mut climber, 60, true, |n| 100.0 * n.min(6) as f64);
        assert!((5..=7).contains(&climber.limit), "{}", climber.limit);
        assert!(mostly(&climbed(&mut climber, 240, true, |n| 300.0 / n as f64), 1), "{}", climber.limit);
    }

    #[test]
    fn where_nobody_waits_nothing_changes() {
        let limits = climbed(&mut Climber::new(8), 60, false, |n| 100.0 * n as f64);
        assert!(limits.iter().all(|&limit| limit == 1));
    }
}
