//! What is known about an image: classes, boxes, masks, keypoints, a class for every pixel.

mod bitmap;
mod boxes;
mod bytes;
mod class_map;
mod coco_rle;
mod keypoint;
mod known;
mod labels;
mod mask;
mod mask_size_error;
mod object;
mod polygon;
mod run_lengths;

pub use bitmap::Bitmap;
pub use boxes::{BoxCxcywh, BoxXywh, BoxXyxy, snap_to_grid};
pub use class_map::ClassMap;
pub use coco_rle::CocoRleError;
pub use keypoint::{Keypoint, Visibility};
pub use known::{Annotations, ClassWeight};
pub use labels::Labels;
pub use mask::Mask;
pub use mask_size_error::MaskSizeError;
pub use object::Object;
pub use polygon::{Polygon, rasterise};
pub use run_lengths::RunLengths;

#[cfg(test)]
mod rle_goldens;
