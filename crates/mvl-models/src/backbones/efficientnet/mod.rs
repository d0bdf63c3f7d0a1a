//! EfficientNet, one net scaled in depth, width and pixels at once: Tan, Le 2019, <https://arxiv.org/abs/1905.11946>, and
//! EfficientNetV2, whose early blocks are fused: Tan, Le 2021, <https://arxiv.org/abs/2104.00298>, as torchvision builds them.
//!
//! EfficientNet-Lite (Google 2020) is EfficientNet for small machines, without squeeze and excitation and with ReLU6: as timm
//! builds it, with PyTorch's padding (`efficientnet_lite0`) and with TensorFlow's (`tf_efficientnet_lite0`).

mod factory;
mod names;
mod plan;

pub use factory::{EfficientNetFactory, EfficientNetOptions};

pub(crate) use factory::register;
