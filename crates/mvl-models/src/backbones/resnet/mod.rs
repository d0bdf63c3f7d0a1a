//! Deep residual learning for image recognition: He, Zhang, Ren, Sun 2015, <https://arxiv.org/abs/1512.03385>.
//!
//! Two families on one [`ResNet`]: the ImageNet nets `resnet18` … `resnet152` as torchvision builds them, and the paper's CIFAR
//! nets `resnet8` … `resnet56`.

mod block;
mod cifar;
mod imagenet;
mod net;

pub use block::{BlockKind, ResidualBlock, ResidualBlockConfig};
pub use cifar::{ResNetCifarFactory, ResNetCifarOptions};
pub use imagenet::{ResNetFactory, ResNetOptions};
pub use net::{ResNet, ResNetConfig};

use mvl_core::Registry;

/// Adds both families.
pub(crate) fn register(registry: &mut Registry) {
    imagenet::register(registry);
    cifar::register(registry);
}
