//! One shape after the other, as PyTorch's `SequentialLR`.

use serde::{Deserialize, Serialize};

use super::ScheduleShape;
use super::multi_step::check_milestones;
use crate::problems::Problems;

/// Shapes in turn: `{ name = "composed", milestones = [20], parts = [{ name = "constant" }, { name = "cosine" }] }`.
///
/// Each part counts from its own beginning. One without a length lasts to the next milestone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComposedSchedule {
    /// The steps or epochs at which the second and each later part begins.
    pub milestones: Vec<usize>,
    /// The parts, one more than milestones.
    pub parts: Vec<ScheduleShape>,
}

impl ComposedSchedule {
    pub(super) fn factor(&self, at: usize, span: usize) -> f64 {
        let number = self.milestones.iter().filter(|milestone| **milestone <= at).count();
        let begins = if number == 0 { 0 } else { self.milestones[number - 1] };
        let ends = self.milestones.get(number).map_or(span, |next| *next);
        self.parts.get(number).map_or(1.0, |part| part.factor(at - begins, ends.saturating_sub(begins)))
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        check_milestones(&self.milestones, problems);
        let (expected, got) = (self.milestones.len() + 1, self.parts.len());
        problems.expect(got == expected, "parts", &format!("{expected}, one more than milestones"), got);
        for (number, part) in self.parts.iter().enumerate() {
            let field = format!("parts[{number}]");
            let fits = !matches!(part, ScheduleShape::Plateau(_));
            problems.expect(fits, &field, "a shape that does not wait for a figure", "plateau");
            problems.within(&format!("{field}."), part.problems());
        }
    }
}
