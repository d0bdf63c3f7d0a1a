//! Search for versions.

use super::Registry;
use crate::{ModelVersion, Page, Result, TrackError};

/// Which versions, in which order.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionSearch {
    /// Such as `name = 'shoes' AND tags.ok = 'yes'`; empty takes all.
    pub filter: String,
    /// Such as `version_number DESC`; the latest change first when it is empty.
    pub order_by: Vec<String>,
    /// At most so many on one page.
    pub max_results: u32,
    /// Where the page begins.
    pub page_token: Option<String>,
}

impl Default for VersionSearch {
    fn default() -> Self {
        Self { filter: String::new(), order_by: Vec::new(), max_results: 10000, page_token: None }
    }
}

impl Registry {
    /// Versions that meet a filter.
    ///
    /// # Errors
    /// [`InvalidParameterValue`](crate::ErrorCode::InvalidParameterValue) for a filter, order, token or number of results that is none.
    pub async fn search_versions(&self, search: &VersionSearch) -> Result<Page<ModelVersion>> {
        Err(TrackError::internal(format!("not yet: {search:?}")))
    }
}
