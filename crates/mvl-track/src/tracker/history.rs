//! All points of a metric.

use super::Tracker;
use crate::{Metric, Page, Result, TrackError};

impl Tracker {
    /// A metric's points, by time, then step, then value. Without `max_results`, all of them.
    ///
    /// # Errors
    /// When the run is missing or the token is none of ours.
    pub async fn metric_history(
        &self,
        run_id: &str,
        key: &str,
        max_results: Option<u32>,
        page_token: Option<&str>,
    ) -> Result<Page<Metric>> {
        Err(TrackError::internal(format!("not yet: {run_id} {key} {max_results:?} {page_token:?}")))
    }

    /// A metric's points in several runs, by run id, then time, step and value; at most `max_results`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn metric_history_bulk(&self, run_ids: &[String], key: &str, max_results: u32) -> Result<Vec<Metric>> {
        Err(TrackError::internal(format!("not yet: {run_ids:?} {key} {max_results:?}")))
    }
}
