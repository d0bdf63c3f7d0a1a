//! ShuffleNet V2, channels split, half of them convolved, and shuffled: Ma, Zhang, Zheng, Sun 2018,
//! <https://arxiv.org/abs/1807.11164>, as torchvision builds it.

mod factory;
mod net;
mod unit;

pub use factory::{ShuffleNetV2Factory, ShuffleNetV2Options};
pub use net::{ShuffleNetV2, ShuffleNetV2Config};
pub use unit::{ShuffleUnit, shuffle_channels};

pub(crate) use factory::register;
