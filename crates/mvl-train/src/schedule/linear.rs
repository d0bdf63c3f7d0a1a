//! Along a straight line, as PyTorch's `LinearLR`.

use serde::{Deserialize, Serialize};

use crate::problems::Problems;

/// A straight line from one factor of the base rate to another: `{ name = "linear", end_factor = 0.01 }`.
///
/// PyTorch's factors are those of a warm-up (1/3 to 1); these are those of a decay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinearSchedule {
    /// The factor at the beginning.
    pub start_factor: f64,
    /// The factor at the end, and after it.
    pub end_factor: f64,
    /// Steps or epochs to the end; those that are left of the run unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
}

impl Default for LinearSchedule {
    fn default() -> Self {
        Self { start_factor: 1.0, end_factor: 0.0, length: None }
    }
}

impl LinearSchedule {
    /// `a + (b − a) · t / L`.
    pub(super) fn factor(&self, at: usize, span: usize) -> f64 {
        let length = self.length.unwrap_or(span).max(1);
        let progress = (at as f64 / length as f64).min(1.0);
        self.start_factor + (self.end_factor - self.start_factor) * progress
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        problems.not_negative("start_factor", self.start_factor);
        problems.not_negative("end_factor", self.end_factor);
        problems.at_least_one("length", self.length.unwrap_or(1));
    }
}
