//! Search for runs.

use super::Tracker;
use crate::{Page, Result, Run, TrackError, ViewType};

/// Which runs, in which order.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSearch {
    /// Whose runs.
    pub experiment_ids: Vec<String>,
    /// Such as `metrics.loss < 0.1 AND params.lr = '0.01'`; empty takes all.
    pub filter: String,
    /// Active runs, deleted ones or both.
    pub view: ViewType,
    /// Such as `metrics.loss ASC`; then the latest start first.
    pub order_by: Vec<String>,
    /// At most so many on one page.
    pub max_results: u32,
    /// Where the page begins.
    pub page_token: Option<String>,
}

impl Default for RunSearch {
    fn default() -> Self {
        Self {
            experiment_ids: Vec::new(),
            filter: String::new(),
            view: ViewType::default(),
            order_by: Vec::new(),
            max_results: 1000,
            page_token: None,
        }
    }
}

impl RunSearch {
    /// The active runs of experiments, latest first.
    pub fn of(experiment_ids: impl IntoIterator<Item = String>) -> Self {
        Self { experiment_ids: experiment_ids.into_iter().collect(), ..Self::default() }
    }

    /// Takes only some.
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = filter.into();
        self
    }

    /// Adds to the order.
    pub fn order_by(mut self, field: impl Into<String>) -> Self {
        self.order_by.push(field.into());
        self
    }
}

impl Tracker {
    /// Runs that meet a filter, with all that was logged.
    ///
    /// # Errors
    /// [`InvalidParameterValue`](crate::ErrorCode::InvalidParameterValue) for a filter, order, token or number of results that is none.
    pub async fn search_runs(&self, search: &RunSearch) -> Result<Page<Run>> {
        Err(TrackError::internal(format!("not yet: {search:?}")))
    }
}
