//! MobileNetV4, universal inverted bottlenecks: Qin et al. 2024, <https://arxiv.org/abs/2404.10518>, the convolutional nets as timm
//! builds them. The hybrid ones, which have attention too, are absent.

mod block;
mod factory;
mod net;
mod sizes;

pub use block::{UniversalBottleneck, UniversalBottleneckConfig};
pub use factory::{MobileNetV4Factory, MobileNetV4Options};
pub use net::{MobileNetV4, MobileNetV4Block};

pub(crate) use factory::register;
