//! Changes of place: what moves pixels, boxes, masks, keypoints and class maps, and moves them alike.
//!
//! A [`Geometry`] is one change with all its numbers known, made for images of one size; [`move_sample`] applies it to a whole
//! sample. Random transforms draw a geometry and hand it over, so whatever they do can be repeated with numbers of one's own.
//!
//! - [`Flip`], [`Window`], [`Border`], [`Rescale`], [`ResizedCrop`]: along rows and columns; pixels stay whole or are resampled as
//!   Pillow does.
//! - [`Affine`], [`Rotation`], [`Perspective`], [`Elastic`]: every pixel is looked up somewhere between others ([`Sampling`]).

mod affine;
mod affine_matrix;
mod border;
mod change;
mod elastic;
mod fill;
mod flip;
mod move_sample;
mod perspective;
mod preprocess_annotations;
mod rescale;
mod resized_crop;
mod rotation;
mod sampling;
mod sources;
mod window;

pub use affine::{Affine, AffineParameters};
pub(crate) use border::reflected;
pub use border::{Border, BorderMode};
pub use change::Geometry;
pub use elastic::Elastic;
pub use fill::Fill;
pub use flip::Flip;
pub use move_sample::{move_annotations, move_sample};
pub use perspective::Perspective;
pub use preprocess_annotations::preprocess_annotations;
pub use rescale::Rescale;
pub use resized_crop::ResizedCrop;
pub use rotation::Rotation;
pub use sampling::{Interpolation, Sampling};
pub use sources::Sources;
pub use window::Window;
