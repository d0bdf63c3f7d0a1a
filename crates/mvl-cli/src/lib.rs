//! The `mvl` command line, as a library: a program of your own adds its plugins and has every verb.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     mvl_cli::main_with(mvl_cli::Plugins::zoo().with(|_plugins| {
//!         // _plugins.registry.register_model(MyFactory);
//!     }))
//! }
//! ```
//!
//! - [`main_with`]: parses the arguments and runs a verb.
//! - [`Plugins`]: models, heads, observers and strategies of your own; `examples/plugin_family` is a crate with some.
//! - [`RunFile`], [`RunConfig`]: what a person writes for `mvl train`, and what it comes to once checked.
//! - [`TrainingJob`]: from a [`RunConfig`] to a trained model in a run's folder.

mod arguments;
mod backends;
mod config;
mod downloads;
mod finding;
mod job;
mod judge;
mod model_arguments;
mod observers;
mod output;
mod plugins;
mod reference;
mod sweep;
mod system_metrics;
mod terminal_plot;
mod tracking;
mod training_data;
mod verbs;
mod workspace;

pub use arguments::main_with;
pub use backends::BackendChoice;
pub use config::{
    ConfigProblems, DataConfig, DataTable, LearningRateOptions, MessageFormat, MlflowOptions, ModelChoice, ModelTable,
    NanGuardOptions, ObserversConfig, OnTrouble, PredictedSamplesOptions, PrometheusOptions, RunConfig, RunFile,
    StartingWeights, TaskConfig, TaskTable, TensorBoardOptions, ThroughputOptions, TrackingConfig, WebhookOptions,
};
pub use job::{BestFigure, JobSummary, TrainingJob};
pub use plugins::Plugins;
