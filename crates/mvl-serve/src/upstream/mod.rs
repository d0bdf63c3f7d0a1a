//! Models that another server computes: any that speaks the Open Inference Protocol, or a hook that takes a `POST` in its form.
//!
//! To everything else such a model is one as any other: batched, with replicas (one for each address), which are taken out while
//! nobody answers there.

mod hook;
mod key_source;
mod upstream_engine;
mod upstream_models;
mod usual_time;

pub use hook::{HookConfig, TensorConfig};
pub use key_source::KeySource;
pub use upstream_engine::UpstreamEngine;
pub use upstream_models::{UpstreamModels, UpstreamOptions};
