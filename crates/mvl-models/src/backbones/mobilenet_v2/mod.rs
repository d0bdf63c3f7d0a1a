//! MobileNetV2, inverted residuals and linear bottlenecks: Sandler, Howard, Zhu, Zhmoginov, Chen 2018,
//! <https://arxiv.org/abs/1801.04381>, as torchvision builds it.

mod chain;
mod factory;
mod net;

pub use chain::ConvChain;
pub use factory::{MobileNetV2Factory, MobileNetV2Options};
pub use net::{MobileNetV2, MobileNetV2Config};

pub(crate) use factory::register;
