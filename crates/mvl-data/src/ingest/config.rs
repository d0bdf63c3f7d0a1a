//! How a data set is ingested.

use mvl_core::{DataError, MAX_SIDE_PX};
use serde::{Deserialize, Serialize};

use crate::loader::OnCorrupt;
use crate::shards::ShardLimits;

/// Settings of [`ingest`](super::ingest).
///
/// # Example
/// ```
/// use mvl_data::{IngestConfig, Packing};
/// let small = IngestConfig { packing: Packing::Jpeg { short_side: 256, quality: 90 }, ..IngestConfig::default() };
/// assert!(small.problems().is_empty());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IngestConfig {
    /// How much of a source that is not divided goes where.
    pub shares: Shares,
    /// Seed of that division.
    pub seed: u64,
    /// Whether every class has the same share in each part.
    pub stratified: bool,
    /// What keeps images together in one part, such as a patient.
    pub group_by: GroupBy,
    /// What becomes of images that are there already, byte for byte.
    pub on_duplicate: OnDuplicate,
    /// What becomes of images that cannot be read. It may be changed for the next attempt at an unfinished ingestion.
    pub on_corrupt: OnCorrupt,
    /// How images lie in the shards.
    pub packing: Packing,
    /// When a shard is full.
    pub limits: ShardLimits,
    /// Threads that read, decode and encode; 0 is one a core. They do not change the result, so they are not kept with it.
    #[serde(skip)]
    pub workers: usize,
    /// Budget for what is read and not written yet, in bytes; not kept either.
    #[serde(skip)]
    pub queue_bytes: usize,
}

impl Default for IngestConfig {
    /// 8 to 1 to 1 by class, duplicates dropped, corrupt images are errors, files as they are.
    fn default() -> Self {
        Self {
            shares: Shares::default(),
            seed: 0,
            stratified: true,
            group_by: GroupBy::Column,
            on_duplicate: OnDuplicate::Drop,
            on_corrupt: OnCorrupt::Fail,
            packing: Packing::Original,
            limits: ShardLimits::default(),
            workers: 0,
            queue_bytes: 64 << 20,
        }
    }
}

/// Parts of a whole for training, validation and test; they need not add up to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Shares {
    /// What is learned from.
    pub train: f64,
    /// What decisions are based on.
    pub valid: f64,
    /// What is judged by in the end.
    pub test: f64,
}

impl Default for Shares {
    fn default() -> Self {
        Self { train: 0.8, valid: 0.1, test: 0.1 }
    }
}

impl Shares {
    /// In the order of training, validation and test, adding up to 1.
    pub(super) fn normalised(self) -> [f64; 3] {
        let all = [self.train, self.valid, self.test];
        let sum: f64 = all.iter().sum();
        all.map(|share| share / sum)
    }
}

/// What tells groups of images that belong together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupBy {
    /// What the sources say, see [`LabelledDataset::group_of`](crate::LabelledDataset::group_of): a manifest's column `group`.
    #[default]
    Column,
    /// A regular expression on the image's path: equal first captures, or equal matches without a capture, are a group.
    Path(String),
}

/// What becomes of an image that is there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnDuplicate {
    /// The first is kept; the others are left out and listed.
    #[default]
    Drop,
    /// All are kept.
    Keep,
    /// The ingestion ends with an error that lists them.
    Fail,
}

/// How images lie in the shards.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Packing {
    /// The files as they are, after each was decoded once to see that it is good. Sources without files become PNG.
    #[default]
    Original,
    /// JPEG with a shorter side of at most this; what is not larger stays as it is.
    Jpeg {
        /// Pixels.
        short_side: u32,
        /// 1 to 100.
        quality: u8,
    },
    /// Raw pixels, which are large but need no decoding.
    Raw {
        /// Pixels that the shorter side has at most; `None` keeps the size.
        short_side: Option<u32>,
    },
}

impl Packing {
    /// The longest that shorter sides may be.
    pub(super) fn short_side(self) -> Option<u32> {
        match self {
            Self::Original => None,
            Self::Jpeg { short_side, .. } => Some(short_side),
            Self::Raw { short_side } => short_side,
        }
    }
}

impl IngestConfig {
    /// Everything that is wrong, each with the field's name.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let Shares { train, valid, test } = self.shares;
        let mut problems = Vec::new();
        if ![train, valid, test].iter().all(|share| share.is_finite() && *share >= 0.0) || train + valid + test <= 0.0 {
            problems.push(format!("shares: expected numbers from 0 with a sum above 0, got {train}, {valid}, {test}"));
        }
        if let Some(side) = self.packing.short_side().filter(|side| !(1..=MAX_SIDE_PX).contains(side)) {
            problems.push(format!("packing.short_side: expected 1 to {MAX_SIDE_PX} pixels, got {side}"));
        }
        if let Packing::Jpeg { quality, .. } = self.packing
            && !(1..=100).contains(&quality)
        {
            problems.push(format!("packing.quality: expected 1 to 100, got {quality}"));
        }
        if self.limits.samples == 0 || self.limits.bytes == 0 {
            problems.push("limits: expected at least one sample and one byte a shard, got none".to_owned());
        }
        if let GroupBy::Path(pattern) = &self.group_by
            && let Err(error) = regex::Regex::new(pattern)
        {
            let reason = error.to_string();
            problems.push(format!(
                "group_by: {pattern:?} is no regular expression: {}",
                reason.lines().last().unwrap_or_default()
            ));
        }
        problems
    }

    pub(super) fn check(&self) -> Result<(), DataError> {
        match self.problems().as_slice() {
            [] => Ok(()),
            problems => Err(DataError::invalid(format!("the data cannot be ingested so: {}", problems.join("; ")))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_listed() {
        let config = IngestConfig {
            shares: Shares { train: -1.0, valid: 0.5, test: 0.5 },
            packing: Packing::Jpeg { short_side: 0, quality: 101 },
            limits: ShardLimits { samples: 0, bytes: 1 },
            group_by: GroupBy::Path("(".to_owned()),
            ..IngestConfig::default()
        };
        let starts: Vec<_> =
            config.problems().iter().map(|problem| problem.split(':').next().map(str::to_owned)).collect();
        let expected = ["shares", "packing.short_side", "packing.quality", "limits", "group_by"];
        assert_eq!(starts, expected.map(|name| Some(name.to_owned())));
    }
}
