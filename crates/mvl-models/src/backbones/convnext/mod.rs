//! ConvNeXt, residual nets brought up to date. A ConvNet for the 2020s: Liu, Mao, Wu, Feichtenhofer, Darrell, Xie 2022,
//! <https://arxiv.org/abs/2201.03545>. ConvNeXt V2: Woo, Debnath, Hu, Chen, Liu, Kweon, Xie 2023,
//! <https://arxiv.org/abs/2301.00808>.
//!
//! Two families on one [`ConvNeXt`]: `convnext_tiny` … `convnext_large` as torchvision builds them, and `convnextv2_atto` …
//! `convnextv2_large` as timm does.

mod block;
mod factory;
mod net;
mod pointwise;

pub use block::{ConvNeXtBlock, ConvNeXtBlockConfig};
pub use factory::{ConvNeXtFactory, ConvNeXtOptions};
pub use net::{ConvNeXt, ConvNeXtConfig, ConvNeXtStage, PatchConv};
pub use pointwise::{Pointwise, PointwiseKind};

pub(crate) use factory::register;
