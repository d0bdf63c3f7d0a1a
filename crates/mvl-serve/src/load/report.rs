//! [`LoadReport`]: how many answers, how fast, how late.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

/// How a server did under load. Times are in milliseconds, of answers with a status of 200 to 299.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LoadReport {
    /// For how long it was counted, in seconds.
    pub seconds: f64,
    /// Good answers.
    pub answers: u64,
    /// Good answers a second.
    pub per_second: f64,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Connections that broke, or could not be made.
    pub broken: u64,
    /// The mean.
    pub mean_ms: f64,
    /// Half of all answers took no longer.
    pub p50_ms: f64,
    /// Nine of ten took no longer.
    pub p90_ms: f64,
    /// 99 of a hundred took no longer.
    pub p99_ms: f64,
    /// 999 of a thousand took no longer.
    pub p999_ms: f64,
    /// The longest.
    pub max_ms: f64,
    /// 99 of a hundred that were refused (429, 503) were told so within this time.
    pub refused_p99_ms: f64,
    /// The longest of these.
    pub refused_max_ms: f64,
}

/// What connections measured.
#[derive(Debug, Default)]
pub(super) struct Times {
    micros: Vec<u32>,
    statuses: BTreeMap<u16, u64>,
    broken: u64,
    refused_micros: Vec<u32>,
}

impl Times {
    pub(super) fn answered(&mut self, counts: bool, status: u16, took: Duration) {
        if !counts {
            return;
        }
        *self.statuses.entry(status).or_default() += 1;
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        match status {
            200..300 => self.micros.push(micros),
            429 | 503 => self.refused_micros.push(micros),
            _ => {}
        }
    }

    pub(super) fn broken(&mut self, counts: bool) {
        self.broken += u64::from(counts);
    }

    pub(super) fn add(&mut self, other: Self) {
        self.micros.extend(other.micros);
        other.statuses.into_iter().for_each(|(status, count)| *self.statuses.entry(status).or_default() += count);
        self.broken += other.broken;
        self.refused_micros.extend(other.refused_micros);
    }

    pub(super) fn report(mut self, duration: Duration) -> LoadReport {
        self.micros.sort_unstable();
        self.refused_micros.sort_unstable();
        let answers = self.micros.len();
        let at = |share| percentile(&self.micros, share);
        let sum: f64 = self.micros.iter().map(|&micros| f64::from(micros) / 1000.0).sum();
        LoadReport {
            seconds: duration.as_secs_f64(),
            answers: answers as u64,
            per_second: answers as f64 / duration.as_secs_f64(),
            mean_ms: sum / answers.max(1) as f64,
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: at(1.0),
            refused_p99_ms: percentile(&self.refused_micros, 0.99),
            refused_max_ms: percentile(&self.refused_micros, 1.0),
            statuses: self.statuses,
            broken: self.broken,
        }
    }
}

/// Of sorted microseconds, in milliseconds; zero of none.
fn percentile(micros: &[u32], share: f64) -> f64 {
    let place = ((micros.len() as f64 * share).ceil() as usize).clamp(1, micros.len().max(1)) - 1;
    micros.get(place).map_or(0.0, |&micros| f64::from(micros) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_good_answers() {
        let mut times = Times::default();
        (1..=1000).for_each(|n| times.answered(true, 200, Duration::from_millis(n)));
        times.answered(true, 503, Duration::from_millis(7));
        times.answered(false, 200, Duration::from_secs(100));
        times.broken(true);
        let report = times.report(Duration::from_secs(2));
        assert_eq!((report.answers, report.per_second, report.broken), (1000, 500.0, 1));
        assert_eq!((report.p50_ms, report.p99_ms, report.p999_ms, report.max_ms), (500.0, 990.0, 999.0, 1000.0));
        assert_eq!((report.statuses[&503], report.refused_p99_ms, report.refused_max_ms), (1, 7.0, 7.0));
        assert_eq!(Times::default().report(Duration::from_secs(1)).p99_ms, 0.0);
    }
}
