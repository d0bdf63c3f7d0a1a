//! The experiment tracker and the model registry, on SQLite or Postgres, with MLflow's semantics.
//!
//! ```
//! # use mvl_track::{Database, Metric, NewRun, RunSearch, Tracker};
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
//! let folder = tempfile::tempdir().unwrap();
//! let database = Database::open(&format!("sqlite:///{}/track.db", folder.path().display())).await?;
//! let tracker = Tracker::new(database, "mlflow-artifacts:/");
//! let experiment = tracker.create_experiment("shoes", None, &[]).await?;
//! let run = tracker.create_run(NewRun::of(&experiment)).await?;
//! tracker.log_metric(&run.info.run_id, &Metric::new("accuracy", 0.91, 0, 1)).await?;
//! let found = tracker.search_runs(&RunSearch::of([experiment]).filter("metrics.accuracy > 0.9")).await?;
//! assert_eq!(found.items.len(), 1);
//! # Ok::<_, mvl_track::TrackError>(()) }).unwrap();
//! ```
//!
//! - [`Database`]: one file or one server, opened once and shared.
//! - [`Tracker`]: experiments, runs, metrics, parameters, tags, inputs, logged models, artifacts.
//! - [`Registry`]: registered models, versions, aliases, stages.
//! - [`Workspace`]: both with their files, in one place; [`manifest`]: what a version of a model is made of.
//! - [`TrackError`]: what went wrong, with MLflow's code.
//! - The rest is what these give and take.

mod again;
mod clock;
mod database;
mod entities;
mod error;
mod filter;
mod harm;
mod limits;
pub mod manifest;
mod migrate;
mod names;
mod placed;
mod registry;
mod run_names;
mod sql;
mod tracker;
mod workspace;

pub use database::{Database, Dialect};
pub use entities::{
    Alias, Dataset, DatasetInput, DatasetSummary, Experiment, LifecycleStage, LoggedModel, LoggedModelStatus, Metric,
    ModelInput, ModelOutput, ModelVersion, ModelVersionStatus, Page, Param, RegisteredModel, Run, RunData, RunInfo,
    RunInputs, RunOutputs, RunStatus, Stage, Tag, ViewType,
};
pub use error::{ErrorCode, Result, TrackError};
pub use registry::{ModelSearch, NewVersion, Registry, VersionSearch};
pub use tracker::{
    Artifact, ArtifactOwner, Batch, Collected, DatasetFilter, ExperimentSearch, LoggedModelSearch, ModelOrder,
    NewLoggedModel, NewRun, RunSearch, RunUpdate, Tracker,
};
pub use workspace::{
    ARTIFACTS_VARIABLE, DATABASE_VARIABLE, LoadedModel, NewModel, PortableFile, PortablePoint, PortableRun,
    PortableValue, Pushed, Swept, WORKSPACE_DIR, Workspace, WorkspaceConfig, WorkspaceRecorder, push_run,
};
