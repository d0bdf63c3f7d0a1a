//! Search for registered models.

use super::Registry;
use crate::{Page, RegisteredModel, Result, TrackError};

/// Which registered models, in which order.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSearch {
    /// Such as `name LIKE 'shoe%'`; empty takes all.
    pub filter: String,
    /// Such as `name ASC`; by name when it is empty.
    pub order_by: Vec<String>,
    /// At most so many on one page.
    pub max_results: u32,
    /// Where the page begins.
    pub page_token: Option<String>,
}

impl Default for ModelSearch {
    fn default() -> Self {
        Self { filter: String::new(), order_by: Vec::new(), max_results: 100, page_token: None }
    }
}

impl Registry {
    /// Registered models that meet a filter.
    ///
    /// # Errors
    /// [`InvalidParameterValue`](crate::ErrorCode::InvalidParameterValue) for a filter, order, token or number of results that is none.
    pub async fn search_models(&self, search: &ModelSearch) -> Result<Page<RegisteredModel>> {
        Err(TrackError::internal(format!("not yet: {search:?}")))
    }
}
