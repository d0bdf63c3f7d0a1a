//! Down by a factor at even distances, as PyTorch's `StepLR`.

use serde::{Deserialize, Serialize};

use super::multi_step::tenth;
use crate::problems::Problems;

/// The rate times a factor every so often: `{ name = "step", period = 30 }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepSchedule {
    /// Steps or epochs between two changes.
    pub period: usize,
    /// What each change multiplies the rate by.
    #[serde(default = "tenth")]
    pub factor: f64,
}

impl StepSchedule {
    /// A tenth of the rate every `period`.
    pub fn new(period: usize) -> Self {
        Self { period, factor: tenth() }
    }

    pub(super) fn factor(&self, at: usize) -> f64 {
        self.factor.powf((at / self.period.max(1)) as f64)
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        problems.at_least_one("period", self.period);
        problems.positive("factor", self.factor);
    }
}
