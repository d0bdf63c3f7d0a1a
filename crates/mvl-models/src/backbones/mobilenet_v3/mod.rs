//! MobileNetV3, inverted residuals found by search, some with squeeze and excitation: Howard et al. 2019,
//! <https://arxiv.org/abs/1905.02244>, as torchvision builds it.

mod factory;
mod plan;

pub use factory::{MobileNetV3Factory, MobileNetV3Options};

pub(crate) use factory::register;
