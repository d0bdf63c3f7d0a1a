//! Down to 0 along a power of what is left, as PyTorch's `PolynomialLR`.

use serde::{Deserialize, Serialize};

use crate::problems::Problems;

/// The base rate times a power of the share of the run that is left: `{ name = "polynomial", power = 0.9 }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolynomialSchedule {
    /// The power.
    pub power: f64,
    /// Steps or epochs to 0; those that are left of the run unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
}

impl Default for PolynomialSchedule {
    fn default() -> Self {
        Self { power: 1.0, length: None }
    }
}

impl PolynomialSchedule {
    /// `(1 − t / L)^p`.
    pub(super) fn factor(&self, at: usize, span: usize) -> f64 {
        let length = self.length.unwrap_or(span).max(1);
        (1.0 - (at as f64 / length as f64).min(1.0)).powf(self.power)
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        problems.positive("power", self.power);
        problems.at_least_one("length", self.length.unwrap_or(1));
    }
}
