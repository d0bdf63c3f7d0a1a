//! Deep residual learning for image recognition: He, Zhang, Ren, Sun 2015, <https://arxiv.org/abs/1512.03385>.
//!
//! Six families on one [`ResNet`]: the ImageNet nets `resnet18` … `resnet152` as torchvision builds them, the paper's CIFAR nets
//! `resnet8` … `resnet56`, and four that change the block:
//! - `resnext`: groups in the 3×3 convolution. Xie, Girshick, Dollár, Tu, He 2016, <https://arxiv.org/abs/1611.05431>.
//! - `wide_resnet`: twice the channels there. Zagoruyko, Komodakis 2016, <https://arxiv.org/abs/1605.07146>.
//! - `resnetd`: a stem of three 3×3 convolutions, shortcuts that average. He, Zhang, Zhang, Zhang, Xie, Li 2018,
//!   <https://arxiv.org/abs/1812.01187>, as timm builds it.
//! - `se_resnet`: squeeze and excitation. Hu, Shen, Albanie, Sun, Wu 2017, <https://arxiv.org/abs/1709.01507>, as timm builds it.

mod block;
mod cifar;
mod imagenet;
mod net;

pub use block::{BlockKind, ResidualBlock, ResidualBlockConfig};
pub use cifar::{ResNetCifarFactory, ResNetCifarOptions};
pub use imagenet::{ResNetFactory, ResNetOptions};
pub use net::{ResNet, ResNetConfig};

use mvl_core::Registry;

/// Adds all families.
pub(crate) fn register(registry: &mut Registry) {
    imagenet::register(registry);
    cifar::register(registry);
}
