//! RepVGG, a plain chain of 3×3 convolutions that trains with parallel branches: Ding, Zhang, Ma, Han, Ding, Sun 2021,
//! <https://arxiv.org/abs/2101.03697>, as timm builds it.
//!
//! [`fuse`](mvl_core::fuse()) makes one 3×3 convolution of each block.

mod block;
mod factory;
mod net;

pub use block::{RepVggBlock, RepVggBlockConfig, RepVggBranches};
pub use factory::RepVggFactory;
pub use net::{RepVgg, RepVggConfig};

pub(crate) use factory::register;
