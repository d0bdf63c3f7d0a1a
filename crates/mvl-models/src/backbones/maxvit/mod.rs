//! MaxViT, in which cells attend to their window, then to cells all over the picture. Multi-axis vision transformer: Tu, Talebi,
//! Zhang, Yang, Milanfar, Bovik, Li 2022, <https://arxiv.org/abs/2204.01697>, as torchvision builds `maxvit_t`.
//!
//! Windows are not padded: sides are multiples of 32 times a window's, 224 pixels as published. Pictures need not be square, though
//! torchvision's net refuses those that are not.

mod attention;
mod factory;
mod mb_conv;
mod net;
mod partition;

pub use attention::{PartitionAttention, PartitionAttentionConfig};
pub use factory::{MaxVitFactory, MaxVitOptions};
pub use mb_conv::MbConv;
pub use net::{MaxVit, MaxVitConfig, MaxVitLayer};
pub use partition::Partition;

pub(crate) use factory::register;
