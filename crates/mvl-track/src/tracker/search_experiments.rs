//! Search for experiments.

use super::Tracker;
use crate::{Experiment, Page, Result, TrackError, ViewType};

/// Which experiments, in which order.
#[derive(Debug, Clone, PartialEq)]
pub struct ExperimentSearch {
    /// Such as `name LIKE 'shoe%' AND tags.team = 'a'`; empty takes all.
    pub filter: String,
    /// Active ones, deleted ones or both.
    pub view: ViewType,
    /// Such as `name ASC`; the latest first when it is empty.
    pub order_by: Vec<String>,
    /// At most so many on one page.
    pub max_results: u32,
    /// Where the page begins.
    pub page_token: Option<String>,
}

impl Default for ExperimentSearch {
    fn default() -> Self {
        let (filter, order_by) = (String::new(), Vec::new());
        Self { filter, view: ViewType::default(), order_by, max_results: 1000, page_token: None }
    }
}

impl Tracker {
    /// Experiments that meet a filter.
    ///
    /// # Errors
    /// [`InvalidParameterValue`](crate::ErrorCode::InvalidParameterValue) for a filter, order, token or number of results that is none.
    pub async fn search_experiments(&self, search: &ExperimentSearch) -> Result<Page<Experiment>> {
        Err(TrackError::internal(format!("not yet: {search:?}")))
    }
}
