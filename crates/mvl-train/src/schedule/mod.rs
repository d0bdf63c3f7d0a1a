//! The learning rate of each step: what a person writes ([`ScheduleConfig`]) and the function it comes to ([`Schedule`]).
//!
//! A shape is a pure function from a place in the run to a factor of the base rate, one file each, in which places are counted
//! in steps or in epochs. Each agrees with `torch.optim.lr_scheduler` within 1e-9 (`scripts/make_schedule_goldens.py`).
//! A resumed run needs no state: even [`PlateauSchedule`] is worked out anew from the run's history.

mod composed;
mod config;
mod constant;
mod cosine;
mod cosine_restarts;
mod exponential;
mod linear;
mod multi_step;
mod one_cycle;
mod plateau;
mod polynomial;
mod rates;
mod shape;
mod step;

pub use composed::ComposedSchedule;
pub use config::{ScheduleConfig, ScheduleUnit};
pub use constant::ConstantSchedule;
pub use cosine::CosineSchedule;
pub use cosine_restarts::CosineRestartsSchedule;
pub use exponential::ExponentialSchedule;
pub use linear::LinearSchedule;
pub use multi_step::MultiStepSchedule;
pub use one_cycle::{Anneal, OneCycleSchedule};
pub use plateau::{PlateauSchedule, ThresholdMode};
pub use polynomial::PolynomialSchedule;
pub use rates::Schedule;
pub use shape::ScheduleShape;
pub use step::StepSchedule;
