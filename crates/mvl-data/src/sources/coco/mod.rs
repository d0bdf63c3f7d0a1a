//! COCO's JSON: boxes, polygons, run lengths, keypoints. Panoptic files are not read.

mod file;
mod open;
mod read;
mod write;

pub use file::{CocoCategory, CocoFile, CocoImage};
pub use open::open_coco;
pub use read::parse_coco;
pub use write::write_coco;

pub(super) use open::{CocoPart, coco_parts, open_coco_parts};
