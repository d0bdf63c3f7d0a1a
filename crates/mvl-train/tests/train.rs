//! The public API of `mvl-train` on a tiny real task: a convolutional net with normalisation and dropout learns which half
//! of a 4×4 image is bright.

#[path = "train/accumulating.rs"]
mod accumulating;
#[path = "train/checkpoints.rs"]
mod checkpoints;
#[path = "train/clipping.rs"]
mod clipping;
#[path = "train/evaluation.rs"]
mod evaluation;
#[path = "train/finding.rs"]
mod finding;
#[path = "train/freezing.rs"]
mod freezing;
#[path = "train/learning.rs"]
mod learning;
#[path = "train/mistakes.rs"]
mod mistakes;
#[path = "train/observing.rs"]
mod observing;
#[path = "train/optimizers.rs"]
mod optimizers;
#[path = "train/reference.rs"]
mod reference;
#[path = "train/resuming.rs"]
mod resuming;
#[path = "train/schedules.rs"]
mod schedules;
#[path = "train/stopping.rs"]
mod stopping;
#[path = "train/tensorboard.rs"]
mod tensorboard;
#[path = "train/tiny.rs"]
mod tiny;
#[cfg(feature = "remote")]
#[path = "train/tracking/mod.rs"]
mod tracking;
