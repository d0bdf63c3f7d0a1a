//! MNASNet, inverted residuals found by a search with a phone's latency in view: Tan, Chen, Pang, Vasudevan, Sandler, Howard, Le
//! 2018, <https://arxiv.org/abs/1807.11626>; the variant B1, without squeeze and excitation, as torchvision builds it.

mod block;
mod factory;
mod net;

pub use block::MnasBlock;
pub use factory::{MnasNetFactory, MnasNetOptions};
pub use net::{MnasNet, MnasNetConfig};

pub(crate) use factory::register;
