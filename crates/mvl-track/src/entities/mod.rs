//! What the tracker and the registry keep, in MLflow's terms. Times are milliseconds since 1970 (UTC).

mod dataset;
mod experiment;
mod logged_model;
mod metric;
mod model_version;
mod page;
mod registered_model;
mod run;

pub use dataset::{Dataset, DatasetInput, DatasetSummary};
pub use experiment::{Experiment, LifecycleStage, ViewType};
pub use logged_model::{LoggedModel, LoggedModelStatus, ModelInput, ModelOutput};
pub use metric::Metric;
pub use model_version::{ModelVersion, ModelVersionStatus, Stage};
pub use page::Page;
pub use registered_model::{Alias, RegisteredModel};
pub use run::{Param, Run, RunData, RunInfo, RunInputs, RunOutputs, RunStatus, Tag};
