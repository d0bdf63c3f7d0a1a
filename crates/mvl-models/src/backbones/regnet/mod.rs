//! RegNet, nets whose widths and depths follow a line: Radosavovic, Kosaraju, Girshick, He, Dollár 2020,
//! <https://arxiv.org/abs/2003.13678>, as torchvision builds it.
//!
//! `regnet_x_*` are bottlenecks with groups; `regnet_y_*` have squeeze and excitation as well.

mod block;
mod factory;
mod net;
mod stages;

pub use block::{RegNetBlock, RegNetBlockConfig};
pub use factory::RegNetFactory;
pub use net::{RegNet, RegNetConfig};
pub use stages::RegNetStage;

pub(crate) use factory::register;
