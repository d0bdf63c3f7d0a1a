//! Convolutions that begin as the linear layers of [`transformer_linear`](super::transformer_linear).

use burn::module::Initializer;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::Device;

/// Standard deviation of fresh weights.
const STD: f64 = 0.02;

/// A convolution whose weights begin as small normal numbers and whose bias begins at zero.
pub(crate) fn small_conv(config: &Conv2dConfig, device: &Device) -> Conv2d {
    let mut conv = config.clone().with_initializer(Initializer::Normal { mean: 0.0, std: STD }).init(device);
    conv.bias = conv.bias.map(|_| Initializer::Zeros.init([config.channels[1]], device));
    conv
}
