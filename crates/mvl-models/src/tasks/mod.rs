//! What models are trained, judged and used for.

mod classification;

pub use classification::ClassificationTask;
