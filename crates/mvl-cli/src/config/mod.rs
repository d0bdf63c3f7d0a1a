//! The run's config in two stages: [`RunFile`] is what was typed, [`RunConfig`] what it comes to once checked; a server's in [`serve`].

mod observers;
mod origins;
mod reader;
mod run_config;
mod run_file;
pub(crate) mod serve;
mod switch;
mod tracking;

pub use observers::{
    LearningRateOptions, MessageFormat, MlflowOptions, NanGuardOptions, ObserversConfig, OnTrouble,
    PredictedSamplesOptions, PrometheusOptions, TensorBoardOptions, ThroughputOptions, WebhookOptions,
};
#[cfg(feature = "remote")]
pub(crate) use observers::{event_by_name, variable};
pub use reader::ConfigProblems;
pub(crate) use reader::{Override, read_config, read_strictly};
pub(crate) use run_config::StartingPoint;
pub use run_config::{DataConfig, ModelChoice, RunConfig, StartingWeights, TaskConfig};
pub use run_file::{DataTable, ModelTable, RunFile, TaskTable};
pub use tracking::TrackingConfig;
