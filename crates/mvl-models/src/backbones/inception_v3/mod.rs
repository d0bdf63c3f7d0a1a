//! Inception v3: Szegedy, Vanhoucke, Ioffe, Shlens, Wojna 2015, <https://arxiv.org/abs/1512.00567>, as torchvision builds it. The
//! auxiliary classifier, which acts in training alone, is absent.

mod branch;
mod factory;
mod mixed;
mod net;

pub use branch::{Branch, ConvShape};
pub use factory::InceptionV3Factory;
pub use mixed::{Mixed, MixedShape};
pub use net::{InceptionV3, InceptionV3Config};

pub(crate) use factory::register;
