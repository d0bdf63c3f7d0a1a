//! Pure functions from an image to an image: resize, crop, flip. Transforms and preprocessing are made of them.

mod crop;
mod flip;
mod resample;
mod resize;

pub use crop::{CropBox, center_crop, center_crop_box, crop};
pub(crate) use crop::{pad, pad_to};
pub use flip::{horizontal_flip, vertical_flip};
pub(crate) use resize::resize_then_crop;
pub use resize::{resize, resize_box, resize_short_side, short_side_size};
