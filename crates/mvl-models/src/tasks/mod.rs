//! What models are trained, judged and used for.

mod classification;
mod multi_label;

pub use classification::ClassificationTask;
pub use multi_label::MultiLabelTask;
