//! Training in half precision: the types, the copy of a model in them, and layers that bear weights of another type than their input.

mod flow;
mod keep;
mod lower;
mod mixed_forward;
mod place;
mod precision;
mod quantize;

pub use flow::{flow_type, full_precision, in_full_precision};
pub use keep::keep_problems;
pub use lower::lower_precision;
pub use mixed_forward::{MixedForward, in_type_of};
pub use precision::{Precision, UnsupportedPrecision};
pub use quantize::quantize_weights;
