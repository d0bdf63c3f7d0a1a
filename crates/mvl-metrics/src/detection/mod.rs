//! Objects with a score: COCO's average precision and recall of boxes, masks and keypoints.

mod coco;
mod detected;
mod error;
mod matching;
mod precision_curve;
mod shapes;
mod similarity;

pub use coco::{COCO_SIGMAS, CocoEvaluation};
pub use detected::Detection;
pub use error::CocoError;
