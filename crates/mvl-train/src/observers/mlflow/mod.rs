//! Runs recorded by an MLflow tracking server, over its REST interface, version 2.0 (<https://mlflow.org/docs/latest/rest-api.html>).
//!
//! Absent on purpose: MLflow's registry of models, and artifacts that clients must write to a store themselves.

mod address;
mod client;
mod reader;
mod recorder;

pub use reader::{MlflowExperiment, MlflowFile, MlflowPoint, MlflowReader, MlflowRun};
pub use recorder::MlflowRecorder;
