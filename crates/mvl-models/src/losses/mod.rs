//! What is minimised.

mod arc_face;
mod asymmetric;
mod binary_cross_entropy;
mod box_iou;
mod cross_entropy;
mod distillation;
mod distribution_focal;
mod focal;
mod lovasz;
mod multi_label_loss;
mod pairs;
mod pixels;
mod problems;
mod supervised_contrastive;
mod triplet;
mod tversky;

pub use arc_face::{ArcFace, ArcFaceConfig};
pub use asymmetric::Asymmetric;
pub use binary_cross_entropy::BinaryCrossEntropy;
pub use box_iou::BoxIou;
pub use cross_entropy::CrossEntropy;
pub use distillation::Distillation;
pub use distribution_focal::distribution_focal;
pub use focal::Focal;
pub use lovasz::Lovasz;
pub use multi_label_loss::MultiLabelLoss;
pub use supervised_contrastive::SupervisedContrastive;
pub use triplet::{Mining, Triplet};
pub use tversky::Tversky;
