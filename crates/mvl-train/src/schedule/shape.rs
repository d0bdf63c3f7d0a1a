//! The shapes a schedule can have, by name.

use serde::{Deserialize, Serialize};

use super::{
    ComposedSchedule, ConstantSchedule, CosineRestartsSchedule, CosineSchedule, ExponentialSchedule, LinearSchedule,
    MultiStepSchedule, OneCycleSchedule, PlateauSchedule, PolynomialSchedule, ScheduleUnit, StepSchedule,
};
use crate::problems::Problems;

/// What comes after the warm-up, told by `name`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ScheduleShape {
    /// One rate to the end.
    Constant(ConstantSchedule),
    /// Along a straight line.
    Linear(LinearSchedule),
    /// Down along half a cosine.
    Cosine(CosineSchedule),
    /// Half cosines one after the other.
    CosineRestarts(CosineRestartsSchedule),
    /// Up to the base rate and far down again.
    OneCycle(OneCycleSchedule),
    /// Down along a power of what is left.
    Polynomial(PolynomialSchedule),
    /// Down by a factor at even distances.
    Step(StepSchedule),
    /// Down by a factor at named places.
    MultiStep(MultiStepSchedule),
    /// Down by a factor each time.
    Exponential(ExponentialSchedule),
    /// One shape after the other.
    Composed(ComposedSchedule),
    /// Down by a factor when a figure no longer improves.
    Plateau(PlateauSchedule),
}

impl Default for ScheduleShape {
    fn default() -> Self {
        Self::Cosine(CosineSchedule::default())
    }
}

impl ScheduleShape {
    /// The factor of the base rate `at` steps or epochs after the beginning, with `span` of them to the end of the run.
    pub(super) fn factor(&self, at: usize, span: usize) -> f64 {
        match self {
            Self::Constant(shape) => shape.factor,
            Self::Linear(shape) => shape.factor(at, span),
            Self::Cosine(shape) => shape.factor(at, span),
            Self::CosineRestarts(shape) => shape.factor(at),
            Self::OneCycle(shape) => shape.factor(at, span),
            Self::Polynomial(shape) => shape.factor(at, span),
            Self::Step(shape) => shape.factor(at),
            Self::MultiStep(shape) => shape.factor(at),
            Self::Exponential(shape) => shape.factor(at),
            Self::Composed(shape) => shape.factor(at, span),
            Self::Plateau(_) => 1.0, // its rate comes from the run's history
        }
    }

    /// Shapes that are as long as the run go by step; those that are written with counts, by epoch.
    pub(super) fn usual_unit(&self) -> ScheduleUnit {
        match self {
            Self::Constant(_) | Self::Linear(_) | Self::Cosine(_) | Self::OneCycle(_) | Self::Polynomial(_) => {
                ScheduleUnit::Step
            }
            _ => ScheduleUnit::Epoch,
        }
    }

    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Problems::default();
        match self {
            Self::Constant(shape) => shape.check(&mut problems),
            Self::Linear(shape) => shape.check(&mut problems),
            Self::Cosine(shape) => shape.check(&mut problems),
            Self::CosineRestarts(shape) => shape.check(&mut problems),
            Self::OneCycle(shape) => shape.check(&mut problems),
            Self::Polynomial(shape) => shape.check(&mut problems),
            Self::Step(shape) => shape.check(&mut problems),
            Self::MultiStep(shape) => shape.check(&mut problems),
            Self::Exponential(shape) => shape.check(&mut problems),
            Self::Composed(shape) => shape.check(&mut problems),
            Self::Plateau(shape) => shape.check(&mut problems),
        }
        problems.list()
    }
}
