//! What an ingestion came to: `ingest.json`.

use serde::{Deserialize, Serialize};

use super::config::IngestConfig;
use crate::sources::Split;

/// The version of `ingest.json`.
pub(super) const REPORT_VERSION: u32 = 1;

/// What was read, what was written, and what was left out and why. It holds no time and no host, so that the same sources and
/// settings give the same file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IngestReport {
    /// The version of this layout.
    pub version: u32,
    /// Identifies sources and settings.
    pub fingerprint: String,
    /// What was read.
    pub sources: Vec<SourceReport>,
    /// How it was read.
    pub config: IngestConfig,
    /// How many classes there are; their names are in `labels.json`.
    pub classes: usize,
    /// What was written.
    pub parts: Vec<PartReport>,
    /// Images that were there already.
    pub duplicates: Vec<Duplicate>,
    /// Images that could not be read.
    pub skipped: Vec<Skipped>,
}

/// A part of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceReport {
    /// Its path.
    pub name: String,
    /// Which part.
    pub split: Split,
    /// Its images.
    pub samples: usize,
}

/// A part of what was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartReport {
    /// Which part.
    pub split: Split,
    /// Its images.
    pub samples: usize,
    /// Its shards.
    pub shards: usize,
    /// The bytes of its shards.
    pub bytes: u64,
}

/// An image that was left out because it was there already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicate {
    /// The image that was left out.
    pub source: String,
    /// The one that was kept.
    pub kept: String,
    /// Their content.
    pub sha256: String,
    /// Whether they have the same class; if not, one of them is labelled wrongly.
    pub same_class: bool,
}

/// An image that was left out because it could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Its index among all images of the sources.
    pub index: usize,
    /// What was wrong, with the path.
    pub reason: String,
}
