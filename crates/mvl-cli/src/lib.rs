//! The `mvl` command line, as a library: a program of your own adds its models and has every verb.
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     let mut registry = mvl::prelude::zoo();
//!     // registry.register_model(MyBackbone);
//!     mvl_cli::main_with(registry)
//! }
//! ```
//!
//! - [`main_with`]: parses the arguments and runs a verb.
//! - [`RunFile`], [`RunConfig`]: what a person writes for `mvl train`, and what it comes to once checked.
//! - [`TrainingJob`]: from a [`RunConfig`] to a trained model in a run's folder.

mod arguments;
mod backends;
mod config;
mod job;
mod judge;
mod model_arguments;
mod output;
mod training_data;
mod verbs;

pub use arguments::main_with;
pub use backends::BackendChoice;
pub use config::{
    ConfigProblems, DataConfig, DataTable, ModelChoice, ModelTable, RunConfig, RunFile, StartingWeights, TaskConfig,
    TaskTable,
};
pub use job::{BestFigure, JobSummary, TrainingJob};
