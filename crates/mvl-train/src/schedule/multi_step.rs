//! Down by a factor at named places, as PyTorch's `MultiStepLR`.

use serde::{Deserialize, Serialize};

use crate::problems::Problems;

/// The rate times a factor at each milestone: `{ name = "multi_step", milestones = [30, 60, 80] }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultiStepSchedule {
    /// Steps or epochs at which the rate changes, in order.
    pub milestones: Vec<usize>,
    /// What each change multiplies the rate by.
    #[serde(default = "tenth")]
    pub factor: f64,
}

/// PyTorch's factor.
pub(super) fn tenth() -> f64 {
    0.1
}

impl MultiStepSchedule {
    /// A tenth of the rate from each milestone on.
    pub fn new(milestones: impl Into<Vec<usize>>) -> Self {
        Self { milestones: milestones.into(), factor: tenth() }
    }

    pub(super) fn factor(&self, at: usize) -> f64 {
        let passed = self.milestones.iter().filter(|milestone| **milestone <= at).count();
        self.factor.powf(passed as f64)
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        check_milestones(&self.milestones, problems);
        problems.positive("factor", self.factor);
    }
}

/// At least one, each after the one before.
pub(super) fn check_milestones(milestones: &[usize], problems: &mut Problems) {
    let rising = milestones.first().is_some_and(|first| *first > 0) && milestones.is_sorted_by(|a, b| a < b);
    problems.expect(rising, "milestones", "rising numbers from 1", format!("{milestones:?}"));
}
