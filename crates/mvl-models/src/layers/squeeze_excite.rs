//! Squeeze and excitation: every channel is scaled by what all channels say of the whole map. Hu, Shen, Albanie, Sun, Wu 2017,
//! <https://arxiv.org/abs/1709.01507>. `[N, C, H, W]` → `[N, C, H, W]`

use burn::config::Config;
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::{Device, Tensor};
use mvl_core::MixedForward;

use super::activation::Activation;

/// Configuration of a [`SqueezeExcite`].
#[derive(Config, Debug)]
pub struct SqueezeExciteConfig {
    /// Channels of the map.
    pub channels: usize,
    /// Channels in between.
    pub squeezed: usize,
    /// What follows the first convolution.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
    /// What makes scales of the second convolution's output.
    #[config(default = "Activation::Sigmoid")]
    pub gate: Activation,
}

/// Average pool → 1×1 convolution → activation → 1×1 convolution → gate, times the input.
#[derive(Module, Debug)]
pub struct SqueezeExcite {
    /// To fewer channels, with a bias.
    pub fc1: Conv2d,
    /// Back to all channels, with a bias.
    pub fc2: Conv2d,
    /// What follows the first convolution.
    #[module(skip)]
    pub activation: Activation,
    /// What makes scales.
    #[module(skip)]
    pub gate: Activation,
}

impl SqueezeExciteConfig {
    /// Creates the layer.
    pub fn init(&self, device: &Device) -> SqueezeExcite {
        SqueezeExcite {
            fc1: Conv2dConfig::new([self.channels, self.squeezed], [1, 1]).init(device),
            fc2: Conv2dConfig::new([self.squeezed, self.channels], [1, 1]).init(device),
            activation: self.activation,
            gate: self.gate,
        }
    }
}

impl SqueezeExcite {
    /// # Shapes
    /// `[N, C, H, W]` → `[N, C, H, W]`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let squeezed = input.clone().mean_dim(3).mean_dim(2); // [N, C, 1, 1]
        let excited = self.fc2.forward_mixed(self.activation.forward(self.fc1.forward_mixed(squeezed)));
        input * self.gate.forward(excited)
    }
}
