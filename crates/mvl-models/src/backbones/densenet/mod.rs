//! DenseNet, in which each layer sees what all before it found: Huang, Liu, van der Maaten, Weinberger 2016,
//! <https://arxiv.org/abs/1608.06993>, as torchvision builds it: with bottlenecks and compression (the paper's DenseNet-BC).

mod block;
mod factory;
mod net;

pub use block::{DenseBlock, DenseLayer, Transition};
pub use factory::{DenseNetFactory, DenseNetOptions};
pub use net::{DenseNet, DenseNetConfig};

pub(crate) use factory::register;
