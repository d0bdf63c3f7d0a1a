//! The strategy pattern: *what* is loaded ([`Dataset`]), *which and when* ([`EpochPlan`]), *how the bytes move*
//! ([`DataLoadStrategy`]), *what a batch is* ([`Collate`]); a [`DataLoader`] is the four put together.

mod data_error;
mod data_loader;
mod dataset;
mod distributions;
mod epoch_plan;
mod location;
mod record;
mod sample_key;
mod sampler;
mod strategy;

pub use data_error::{DataError, SkippedSample};
pub use data_loader::{BatchIter, Collate, DataLoader};
pub use dataset::{Dataset, Fetch};
pub use epoch_plan::EpochPlan;
pub use location::Location;
pub use record::Record;
pub use sample_key::{SampleKey, SampleRng};
pub use sampler::{EveryItem, Order, Pick, Sampler, sampler_rng};
pub use strategy::{DataLoadStrategy, ItemIter};
