//! Gradient clipping: what a person writes ([`GradientClipConfig`]), and one file a way to do it.
//!
//! burn's own `GradientClipping` takes the norm of each tensor by itself, which changes the direction of the step.

mod adaptive;
mod config;
mod global_norm;
mod value;

pub use adaptive::{AdaptiveClipConfig, clip_adaptively};
pub use config::{GradientClipConfig, clip_gradients};
pub use global_norm::{clip_global_norm, global_norm};
pub use value::clip_value;
