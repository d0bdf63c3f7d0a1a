//! Drift: whether pictures and answers are still like those that a model was made with.
//!
//! - [`DriftReference`]: how figures of pictures and answers were distributed then; [`DriftGatherer`] makes it.
//! - [`DriftWatch`]: how they are distributed now, in a window over the latest pictures, and how far that is from the reference.
//!
//! The figures of a picture are taken from the tensor that the model gets: `brightness` (its mean), `contrast` (its standard deviation) and
//! the mean of each channel (`channel_0` …). Those of an answer are the likeliest class (`classes`) and its probability (`confidence`).

mod bins;
mod features;
mod gatherer;
mod reference;
mod stability;
mod watch;

pub use bins::Bins;
pub use gatherer::DriftGatherer;
pub use reference::{DriftReference, Figure, REFERENCE_FILE, ReferenceError};
pub use stability::population_stability_index;
pub use watch::{Drift, DriftWatch};
