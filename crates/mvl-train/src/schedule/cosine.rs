//! Down along half a cosine, as PyTorch's `CosineAnnealingLR`.
//!
//! # Source
//! Loshchilov and Hutter 2016, <https://arxiv.org/abs/1608.03983>, without restarts.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::problems::Problems;

/// Half a cosine from the base rate down to a part of it: `{ name = "cosine", min_factor = 0.01 }`.
///
/// After its end the rate stays where it is, where PyTorch's rises again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CosineSchedule {
    /// The share of the base rate that it ends with, 0 to 1.
    pub min_factor: f64,
    /// Steps or epochs to the end; those that are left of the run unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
}

impl CosineSchedule {
    /// `m + (1 − m) · (1 + cos(π · t / L)) / 2`.
    pub(super) fn factor(&self, at: usize, span: usize) -> f64 {
        let length = self.length.unwrap_or(span).max(1);
        half_cosine(self.min_factor, (at as f64 / length as f64).min(1.0))
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        problems.share("min_factor", self.min_factor);
        problems.at_least_one("length", self.length.unwrap_or(1));
    }
}

/// From 1 at progress 0 to `min_factor` at progress 1.
pub(super) fn half_cosine(min_factor: f64, progress: f64) -> f64 {
    let falling = (1.0 + (PI * progress).cos()) / 2.0;
    min_factor + (1.0 - min_factor) * falling
}
