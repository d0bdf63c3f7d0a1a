//! One rate to the end.

use serde::{Deserialize, Serialize};

use crate::problems::Problems;

/// The base rate to the end, or a part of it: `{ name = "constant" }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConstantSchedule {
    /// The factor of the base rate.
    pub factor: f64,
}

impl Default for ConstantSchedule {
    fn default() -> Self {
        Self { factor: 1.0 }
    }
}

impl ConstantSchedule {
    pub(super) fn check(&self, problems: &mut Problems) {
        problems.positive("factor", self.factor);
    }
}
