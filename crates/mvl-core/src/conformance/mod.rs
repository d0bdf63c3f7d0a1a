//! Suites that prove a type keeps its contract. Run them from a test on your own factory, observer or strategy.
//!
//! Each panics with what was expected and what came, like any assertion.

mod backbone;
mod gradients;
mod half_precision;
mod head;
mod observer;
mod sampler;
mod strategy;
mod worn;

pub use backbone::{backbone, factory, half_precision_backbone};
pub use head::{head, neck};
pub use observer::observer;
pub use sampler::sampler;
pub use strategy::strategy;
