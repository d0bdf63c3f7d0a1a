//! What is minimised.

mod arc_face;
mod binary_cross_entropy;
mod cross_entropy;

pub use arc_face::{ArcFace, ArcFaceConfig};
pub use binary_cross_entropy::BinaryCrossEntropy;
pub use cross_entropy::CrossEntropy;
