//! `[stores]`: where models from object stores are kept on this machine.

use std::path::PathBuf;

use mvl_serve::models::ModelCache;
use serde::{Deserialize, Serialize};

/// `[stores]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct StoresTable {
    /// Where fetched models are kept.
    pub cache: PathBuf,
    /// How much of them is kept, and the largest model.
    pub cache_mib: u64,
}

impl Default for StoresTable {
    fn default() -> Self {
        Self { cache: ".mvl/served-models".into(), cache_mib: 20 * 1024 }
    }
}

impl StoresTable {
    /// What is wrong with it, by field.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(1..=u64::MAX >> 20).contains(&self.cache_mib) {
            problems.push(format!("cache_mib: expected at least 1, got {}", self.cache_mib));
        }
        problems
    }

    /// For the library.
    pub(crate) fn cache(&self) -> ModelCache {
        ModelCache::new(&self.cache, self.cache_mib << 20)
    }
}
