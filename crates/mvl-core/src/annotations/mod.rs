//! What is known about an image: classes, boxes, masks, keypoints, a class for every pixel.

mod boxes;
mod class_map;
mod keypoint;
mod known;
mod labels;
mod mask;
mod object;

pub use boxes::{BoxCxcywh, BoxXywh, BoxXyxy, snap_to_grid};
pub use class_map::ClassMap;
pub use keypoint::{Keypoint, Visibility};
pub use known::{Annotations, ClassWeight};
pub use labels::Labels;
pub use mask::{Bitmap, Mask, MaskSizeError, Polygon, RunLengths};
pub use object::Object;
