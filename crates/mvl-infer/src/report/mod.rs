//! What a model takes: time to load, weights, memory, time of a forward pass.

mod engine_report;
mod loading;
mod timing;
mod weights_size;

pub use engine_report::EngineReport;
pub use loading::Loading;
pub use timing::EngineTiming;
pub use weights_size::WeightsSize;
pub(crate) use weights_size::bytes_of;
