//! What to set before a run: a learning rate, a batch size.

mod batch_size;
mod learning_rate;

pub use batch_size::{BatchSizeConfig, BatchSizeReport, BatchSizeTrial, find_batch_size};
pub use learning_rate::{LearningRateConfig, LearningRateCurve, find_learning_rate};
