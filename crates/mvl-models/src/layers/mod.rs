//! Blocks that backbones are made of.

mod channels;
mod conv_norm_act;

pub use channels::make_divisible;
pub use conv_norm_act::{Activation, ConvNormAct, ConvNormActConfig};

pub(crate) use channels::{check_width, widen};
