//! The run's config in two stages: [`RunFile`] is what was typed, [`RunConfig`] what it comes to once checked.

mod reader;
mod run_config;
mod run_file;

pub use reader::ConfigProblems;
pub(crate) use reader::{Override, read_config, read_strictly};
pub(crate) use run_config::StartingPoint;
pub use run_config::{DataConfig, ModelChoice, RunConfig, StartingWeights, TaskConfig};
pub use run_file::{DataTable, ModelTable, RunFile, TaskTable};
