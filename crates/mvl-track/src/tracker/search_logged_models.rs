//! Search for logged models.

use super::Tracker;
use crate::{LoggedModel, Page, Result, TrackError};

/// Which logged models, in which order.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedModelSearch {
    /// Whose models.
    pub experiment_ids: Vec<String>,
    /// Such as `metrics.accuracy > 0.9 AND name = 'shoes'`; empty takes all.
    pub filter: String,
    /// Only metrics on these data sets count; without a condition on metrics, models that were measured on one of them.
    pub datasets: Vec<DatasetFilter>,
    /// The order; then the latest first.
    pub order_by: Vec<ModelOrder>,
    /// At most so many on one page.
    pub max_results: u32,
    /// Where the page begins.
    pub page_token: Option<String>,
}

impl Default for LoggedModelSearch {
    fn default() -> Self {
        Self {
            experiment_ids: Vec::new(),
            filter: String::new(),
            datasets: Vec::new(),
            order_by: Vec::new(),
            max_results: 100,
            page_token: None,
        }
    }
}

/// A data set that metrics were measured on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatasetFilter {
    /// Its name.
    pub dataset_name: String,
    /// Its digest; any when it is `None`.
    pub dataset_digest: Option<String>,
}

/// One field of an order of logged models.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelOrder {
    /// Such as `creation_timestamp` or `metrics.accuracy`.
    pub field_name: String,
    /// The greatest first.
    pub descending: bool,
    /// Only metrics on this data set count.
    pub dataset_name: Option<String>,
    /// Only metrics on the data set of this digest count.
    pub dataset_digest: Option<String>,
}

impl Tracker {
    /// Logged models that meet a filter.
    ///
    /// # Errors
    /// [`InvalidParameterValue`](crate::ErrorCode::InvalidParameterValue) for a filter, order or token that is none.
    pub async fn search_logged_models(&self, search: &LoggedModelSearch) -> Result<Page<LoggedModel>> {
        Err(TrackError::internal(format!("not yet: {search:?}")))
    }
}
