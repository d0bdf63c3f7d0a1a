//! Images to features. A family is a folder here and one line in [`zoo()`](crate::zoo()).

pub mod mobilenet_v2;
pub mod resnet;
mod stem;
pub mod vision_transformer;

pub use stem::Stem;
