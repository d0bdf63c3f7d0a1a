//! Runs recorded by an MLflow tracking server, over its REST interface, version 2.0 (<https://mlflow.org/docs/latest/rest-api.html>).
//!
//! [`MlflowLogger`] turns events into entries; a thread of its own brings them to the server. Absent on purpose: MLflow's registry of
//! models, and artifacts that clients must write to a store themselves.

mod address;
mod client;
mod courier;
mod entry;
mod limits;
mod logger;
mod picture;

pub use logger::MlflowLogger;
