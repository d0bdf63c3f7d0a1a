//! Down by a factor each time, as PyTorch's `ExponentialLR`.

use serde::{Deserialize, Serialize};

use crate::problems::Problems;

/// The rate times a factor after every step or epoch: `{ name = "exponential", factor = 0.95 }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExponentialSchedule {
    /// What each step or epoch multiplies the rate by.
    pub factor: f64,
}

impl ExponentialSchedule {
    pub(super) fn factor(&self, at: usize) -> f64 {
        self.factor.powf(at as f64)
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        problems.positive("factor", self.factor);
    }
}
