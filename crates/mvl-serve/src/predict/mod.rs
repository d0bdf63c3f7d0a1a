//! The convenient way: pictures in, names and probabilities out, under `/v1`.

mod pictures;
mod rest;

pub use pictures::PictureLimits;
pub(crate) use pictures::{Pictures, Question};
pub(crate) use rest::routes;
