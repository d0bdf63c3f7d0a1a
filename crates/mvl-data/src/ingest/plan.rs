//! What goes where: made once from the survey, kept until the ingestion is finished, so that an attempt after a kill does the same.

use std::collections::HashMap;
use std::sync::Arc;

use mvl_core::DataError;
use serde::{Deserialize, Serialize};

use super::config::{IngestConfig, OnDuplicate};
use super::division::{Member, divide};
use super::report::{Duplicate, Skipped};
use super::sources::IngestSources;
use super::survey::{Hash, Surveyed, hex};
use crate::sources::Split;

/// The parts in their order.
pub(super) const PARTS: [Split; 3] = [Split::Train, Split::Valid, Split::Test];

/// Duplicates that an error names.
const NAMED: usize = 5;

/// The items of each part, in the sources' order.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    /// What this is the plan of: sources and settings.
    pub(super) fingerprint: String,
    /// Training, validation and test.
    pub(super) parts: [Vec<Planned>; 3],
    pub(super) duplicates: Vec<Duplicate>,
    /// What could not be read at all.
    pub(super) skipped: Vec<Skipped>,
}

/// An item that is to be packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Planned {
    /// Its index among all items of the sources.
    pub(super) index: usize,
    pub(super) hash: Hash,
}

impl Plan {
    /// # Errors
    /// [`DataError::Invalid`] when there are duplicates and the policy is to fail.
    pub(super) fn new(
        fingerprint: String,
        sources: &IngestSources,
        survey: Vec<(usize, Surveyed)>,
        skipped: Vec<Skipped>,
        config: &IngestConfig,
    ) -> Result<Self, DataError> {
        let (survey, duplicates) = match config.on_duplicate {
            OnDuplicate::Keep => (survey, Vec::new()),
            _ => without_duplicates(survey),
        };
        if config.on_duplicate == OnDuplicate::Fail && !duplicates.is_empty() {
            let named: Vec<_> =
                duplicates.iter().take(NAMED).map(|twin| format!("{} is {}", twin.source, twin.kept)).collect();
            return Err(DataError::invalid(format!(
                "expected no image twice, got {} duplicates: {} …",
                duplicates.len(),
                named.join("; ")
            )));
        }
        let mut parts = [const { Vec::new() }; 3];
        let mut undivided = Vec::new();
        for item in &survey {
            let planned = Planned { index: item.0, hash: item.1.hash };
            match PARTS.iter().position(|part| *part == sources.split_of(item.0)) {
                Some(part) => parts[part].push(planned),
                None => undivided.push(item),
            }
        }
        let members: Vec<_> =
            undivided.iter().map(|(_, item)| Member { class: item.class, group: item.group.as_deref() }).collect();
        let drawn = divide(&members, config.shares.normalised(), config.seed, config.stratified);
        for ((index, item), part) in undivided.into_iter().zip(drawn) {
            parts[part].push(Planned { index: *index, hash: item.hash });
        }
        for part in &mut parts {
            part.sort_by_key(|planned| planned.index);
        }
        Ok(Self { fingerprint, parts, duplicates, skipped })
    }
}

/// The first of each content, and the others.
fn without_duplicates(survey: Vec<(usize, Surveyed)>) -> (Vec<(usize, Surveyed)>, Vec<Duplicate>) {
    let mut first: HashMap<Hash, (Arc<str>, Option<usize>)> = HashMap::with_capacity(survey.len());
    let mut duplicates = Vec::new();
    let mut kept = Vec::with_capacity(survey.len());
    for (index, item) in survey {
        match first.get(&item.hash) {
            Some((source, class)) => duplicates.push(Duplicate {
                source: item.source.to_string(),
                kept: source.to_string(),
                sha256: hex(&item.hash),
                same_class: *class == item.class,
            }),
            None => {
                first.insert(item.hash, (item.source.clone(), item.class));
                kept.push((index, item));
            }
        }
    }
    (kept, duplicates)
}
