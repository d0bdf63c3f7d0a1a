//! The service layer: what ML Vision Lab offers over HTTP.
//!
//! - [`mlflow`]: MLflow's REST API over the tracker and the registry, so that MLflow's own client works with them.

pub mod mlflow;
