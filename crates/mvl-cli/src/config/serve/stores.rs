//! `[stores]`: object stores that models may come from, and where they are kept on this machine.

use std::path::PathBuf;

use mvl_serve::models::{ModelCache, StoredModels};
use serde::{Deserialize, Serialize};

use super::ServedModel;

/// `[stores]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct StoresTable {
    /// Beginnings of addresses that models may be loaded from later, such as `s3://models/vision`. Those that this config names may be in
    /// any case.
    pub allowed: Vec<String>,
    /// Where fetched models are kept.
    pub cache: PathBuf,
    /// How much of them is kept, and the largest model.
    pub cache_mib: u64,
}

impl Default for StoresTable {
    fn default() -> Self {
        Self { allowed: Vec::new(), cache: ".mvl/served-models".into(), cache_mib: 20 * 1024 }
    }
}

impl StoresTable {
    /// What is wrong with it, by field.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (place, address) in self.allowed.iter().enumerate() {
            if !StoredModels::leads_to_store(address) {
                problems
                    .push(format!("allowed[{place}]: expected an address such as s3://models/vision, got {address:?}"));
            }
        }
        if !(1..=u64::MAX >> 20).contains(&self.cache_mib) {
            problems.push(format!("cache_mib: expected at least 1, got {}", self.cache_mib));
        }
        problems
    }

    /// For the library.
    pub(super) fn cache(&self) -> ModelCache {
        ModelCache::new(&self.cache, self.cache_mib << 20)
    }

    /// Every address that models may come from.
    pub(super) fn allowed(&self, models: &[ServedModel]) -> Vec<String> {
        let sources = models.iter().flat_map(|model| {
            let shares = [&model.canary, &model.shadow].into_iter().flatten().map(|share| &share.source);
            [&model.source].into_iter().chain(shares)
        });
        let stored = sources.filter(|source| StoredModels::leads_to_store(source));
        self.allowed.iter().chain(stored).cloned().collect()
    }
}
