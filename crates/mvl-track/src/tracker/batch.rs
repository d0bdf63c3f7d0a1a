//! Many metrics, parameters and tags at once.

use super::tags::put_tags;
use super::{Tracker, params};
use crate::again::again;
use crate::{Metric, Param, Result, Tag, TrackError, limits, names};

/// What is logged at once: at most 1,000 metrics, 100 parameters and 100 tags, and 1,000 of all together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Points.
    pub metrics: Vec<Metric>,
    /// Settings.
    pub params: Vec<Param>,
    /// Notes; of the same key, the last is kept.
    pub tags: Vec<Tag>,
}

impl Tracker {
    /// Logs a batch in one transaction: all of it or nothing.
    ///
    /// # Errors
    /// When the run is missing or deleted, the batch is too large, a name is not allowed, or a parameter has another value.
    pub async fn log_batch(&self, run_id: &str, batch: &Batch) -> Result<()> {
        again!(self.database, {
            names::run_id(run_id)?;
            let Batch { metrics, params, tags } = batch;
            for (index, metric) in metrics.iter().enumerate() {
                names::metric(&format!("metrics[{index}]"), metric)?;
            }
            for (index, tag) in tags.iter().enumerate() {
                names::tag(&format!("tags[{index}]"), tag)?;
            }
            let total = metrics.len() + params.len() + tags.len();
            for (what, limit, count) in [
                ("metrics", limits::METRICS_PER_BATCH, metrics.len()),
                ("params", limits::PARAMS_PER_BATCH, params.len()),
                ("tags", limits::PARAMS_PER_BATCH, tags.len()),
                ("metrics, params, and tags", limits::ENTITIES_PER_BATCH, total),
            ] {
                if count > limit {
                    return Err(TrackError::invalid(format!(
                        "A batch logging request can contain at most {limit} {what}. Got {count} {what}. Please split up \
                         {what} across multiple requests and try again."
                    )));
                }
            }
            let params = params::checked(params, |index| format!("params[{index}]"))?;

            let mut write = self.database.write().await?;
            let run = self.active_run(&mut write, run_id).await?;
            params::put_params(&mut write, run.id, run_id, &params).await?;
            let keys = self.put_metrics(&mut write, run.id, run_id, metrics).await?;
            put_tags(&mut write, run.id, tags).await?;
            write.commit().await?;
            self.metric_keys.remember(keys);
            Ok(())
        })
    }
}
