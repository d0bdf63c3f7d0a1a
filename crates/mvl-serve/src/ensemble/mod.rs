//! Models made of other models: each step is a model of the same service (computed here, or by another server), or a step that is built
//! in. Tensors are wired by name, as in Triton's ensembles.
//!
//! Nothing is computed here: every step is batched by its own model's batcher, together with requests from elsewhere. Steps that do
//! not need each other run at once. Priority and deadline go with every step; a client that leaves takes its steps with it.

mod built_in;
mod config;
mod ensemble_engine;
mod ensemble_models;
mod plan;

pub use config::{EnsembleConfig, StepConfig, StepKind};
pub use ensemble_models::EnsembleModels;
