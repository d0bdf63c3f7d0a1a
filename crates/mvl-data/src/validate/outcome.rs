//! What a validation comes to. Every sample is in exactly one of three lists: kept, fixed, quarantined.

use serde::Serialize;

use super::check::Check;
use super::finding::{Finding, Place};
use super::fix::Fix;
use super::policy::Action;
use crate::sources::Split;

/// What was found, and what becomes of each sample.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ValidationOutcome {
    /// Counts of each part.
    pub splits: Vec<SplitCount>,
    /// How often each class occurs in the good samples: images and objects counted alike.
    pub classes: Vec<ClassCount>,
    /// Everything that was found: by split and sample, then what is about the whole.
    pub findings: Vec<Finding>,
    /// Samples that are good as they are.
    #[serde(skip)]
    pub kept: Vec<Place>,
    /// Samples that are good once they are mended.
    pub fixed: Vec<FixedSample>,
    /// Samples that are left out.
    pub quarantined: Vec<QuarantinedSample>,
}

/// Counts of one part; `kept + fixed + quarantined == samples`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SplitCount {
    /// The part.
    pub split: Split,
    /// How many samples it has.
    pub samples: usize,
    /// How many objects they have.
    pub objects: usize,
    /// How many are good as they are.
    pub kept: usize,
    /// How many are good once mended.
    pub fixed: usize,
    /// How many are left out.
    pub quarantined: usize,
}

/// How often a class occurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClassCount {
    /// Its name.
    pub name: String,
    /// How often.
    pub count: usize,
}

/// A sample that is good once it is mended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FixedSample {
    /// Which.
    pub sample: Place,
    /// How it is mended, in this order.
    pub fixes: Vec<Fix>,
}

/// A sample that is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuarantinedSample {
    /// Which.
    pub sample: Place,
    /// Every reason: the check and what it found.
    pub reasons: Vec<Reason>,
}

/// Why a sample is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The check.
    pub check: Check,
    /// What it found.
    pub message: String,
}

impl ValidationOutcome {
    /// What the policy does not put up with; the data set is refused unless it is empty.
    pub fn failures(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.action == Action::Fail)
    }

    /// Whether the policy refuses the data set.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failures().next().is_some()
    }

    /// The good samples of a part with what mends each, in order; none for those that are good as they are.
    #[must_use]
    pub fn good(&self, split: Split) -> Vec<(usize, &[Fix])> {
        let kept = self.kept.iter().map(|place| (place, &[][..]));
        let fixed = self.fixed.iter().map(|fixed| (&fixed.sample, fixed.fixes.as_slice()));
        let of_split = kept.chain(fixed).filter(|(place, _)| place.split == split);
        let mut good: Vec<_> = of_split.map(|(place, fixes)| (place.index, fixes)).collect();
        good.sort_by_key(|(index, _)| *index);
        good
    }
}
