//! SqueezeNet, AlexNet's accuracy with fifty times fewer parameters: Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer 2016,
//! <https://arxiv.org/abs/1602.07360>, as torchvision builds its versions 1.0 and 1.1.

mod factory;
mod fire;

pub use factory::SqueezeNetFactory;
pub use fire::Fire;

pub(crate) use factory::register;
