//! Many runs of one recipe with other settings, and which of them came out best.
//!
//! [`SweepFile`] is what a person writes, [`Space`] the settings that are tried, [`Rungs`] when a trial is worth more epochs, and
//! [`Sweep`] the trials themselves, each a process of its own in a folder of its own.

mod driver;
mod file;
mod ranges;
mod rungs;
mod trial;

pub(crate) use driver::{Sweep, SweepSummary, shown};
pub(crate) use file::{StrategyFile, SweepFile};
pub(crate) use ranges::Space;
pub(crate) use rungs::Rungs;
pub(crate) use trial::Runner;
