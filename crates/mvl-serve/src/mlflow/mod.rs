//! MLflow's REST API: tracking, artifacts, registry, and what MLflow's UI asks for.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use mvl_serve::mlflow::{ServeOptions, serve};
//! use mvl_store::StoreUrl;
//!
//! let options = ServeOptions::open("sqlite:///.mvl/track.db", &StoreUrl::parse(".mvl/artifacts")?).await?;
//! serve(options, std::future::pending()).await?;
//! # Ok(()) }
//! ```
//!
//! A request goes through `guard` (who may ask), `routes` (which handler), `request` (what is asked, with the leniency of
//! proto3's JSON), its handler, and `answer` or `error` (MLflow's JSON). Handlers hold no SQL and no rules about names: those are
//! `mvl-track`'s. Files come and go through `files`; their content lies among the blobs.

mod aliases;
mod answer;
mod app;
mod batches;
mod error;
mod experiments;
mod files;
mod graphql;
mod guard;
mod inputs;
mod logged_models;
mod media_type;
mod metrics;
mod model_versions;
mod options;
mod pages;
mod paths;
mod places;
mod proxy;
mod ranges;
mod registered_models;
mod request;
mod routes;
mod run_files;
mod runs;
mod server;
mod sources;
mod unsupported;
mod upload;

pub use crate::ApiKeys;
pub use options::{Limits, Log, ServeOptions};
pub use routes::router;
pub use server::{ServeError, Server, serve};
