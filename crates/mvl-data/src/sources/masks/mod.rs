//! Mask images: a class or an object's number for every pixel.

mod folder;
mod index_png;
mod pixel_files;
mod runs_by_number;

pub use folder::{open_instance_folder, open_mask_folder};
pub use index_png::{IndexImage, read_index_png, write_index_png};

pub(super) use folder::{IMAGE_FOLDER, INSTANCE_FOLDER, MASK_FOLDER};
pub(super) use pixel_files::{PixelFiles, add_pixels};
pub(super) use runs_by_number::runs_by_number;
