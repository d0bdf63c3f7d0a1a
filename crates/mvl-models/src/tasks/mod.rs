//! What models are trained, judged and used for.

mod classification;
mod host;
mod multi_label;

pub use classification::ClassificationTask;
pub use multi_label::MultiLabelTask;
