//! Pascal VOC: an XML file for each image, and mask images with palettes.

mod annotation;
mod open;
mod read;
mod write;
mod xml_tree;

pub use annotation::{PixelOrigin, VOC_CLASSES, VocAnnotation, VocObject};
pub use open::{open_voc, open_voc_segmentation};
pub use read::parse_voc;
pub use write::write_voc;

pub(super) use open::{VocLayout, voc_layout};
