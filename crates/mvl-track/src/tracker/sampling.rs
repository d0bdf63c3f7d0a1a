//! A metric's curve in few points.

use std::ops::RangeInclusive;

use super::Tracker;
use crate::{Metric, Result, TrackError};

impl Tracker {
    /// A metric's curve in each of some runs, in at most about `points` points a run: the least, the greatest and the last of every
    /// stretch, so that a plot of them looks like a plot of all. By step; `steps` looks at a part of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn metric_history_sampled(
        &self,
        run_ids: &[String],
        key: &str,
        points: u32,
        steps: Option<RangeInclusive<i64>>,
    ) -> Result<Vec<Metric>> {
        Err(TrackError::internal(format!("not yet: {run_ids:?} {key} {points:?} {steps:?}")))
    }
}
