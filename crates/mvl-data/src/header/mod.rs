//! What the first bytes of an image file tell, without decoding it: its kind, its colour model, how the camera was held.

mod cmyk;
mod exif;
mod image_kind;
mod jpeg_segments;
mod orientation;

pub use cmyk::is_cmyk_jpeg;
pub use exif::exif_orientation;
pub use image_kind::ImageKind;
pub use orientation::Orientation;
