//! The convenient way: pictures in, names and probabilities out, under `/v1`.

mod description;
mod pictures;
mod remote;
mod rest;
mod stream;

pub use description::{ModelDescription, NewModel, ShareDescription};
pub(crate) use pictures::{Decoders, Pictures, Question, TOP, takes_pictures};
pub use pictures::{NamedClass, PictureLimits, Predictions};
pub use remote::RemoteOptions;
pub(crate) use rest::routes;
pub use stream::StreamOptions;
