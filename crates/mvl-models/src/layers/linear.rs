//! A linear layer as transformers begin with it.

use burn::module::Initializer;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::Device;

/// Standard deviation of fresh weights.
const STD: f64 = 0.02;

/// A linear layer from `channels[0]` to `channels[1]` whose weights begin as small normal numbers and whose bias begins at zero, as
/// timm's transformers have them. (timm cuts the distribution off at ±2, a hundred standard deviations away.)
///
/// # Shapes
/// `[…, channels[0]]` → `[…, channels[1]]`
#[must_use]
pub fn transformer_linear(channels: [usize; 2], bias: bool, device: &Device) -> Linear {
    let [from, to] = channels;
    let normal = Initializer::Normal { mean: 0.0, std: STD };
    let linear = LinearConfig::new(from, to).with_bias(false).with_initializer(normal).init(device);
    Linear { bias: bias.then(|| Initializer::Zeros.init([to], device)), ..linear }
}
