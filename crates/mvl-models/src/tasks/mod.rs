//! What models are trained, judged and used for.

mod classification;
mod distillation;
mod factories;
mod host;
mod multi_label;

pub use classification::ClassificationTask;
pub use distillation::{DistillationTask, DistillationTaskFactory};
pub(crate) use factories::register;
pub use factories::{ClassificationTaskFactory, MultiLabelTaskFactory};
pub use multi_label::MultiLabelTask;
