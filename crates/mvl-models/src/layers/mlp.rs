//! The two linear layers of a transformer's block. `[…, C]` → `[…, C']`

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use mvl_core::MixedForward;

use super::activation::Activation;
use super::linear::transformer_linear;

/// Linear → activation → linear.
#[derive(Module, Debug)]
pub struct Mlp {
    /// To the hidden width.
    pub fc1: Linear,
    /// Back.
    pub fc2: Linear,
    /// In between.
    #[module(skip)]
    pub activation: Activation,
}

impl Mlp {
    /// With biases.
    #[must_use]
    pub fn new(channels: usize, hidden: usize, activation: Activation, device: &Device) -> Self {
        let fc1 = transformer_linear([channels, hidden], true, device);
        let fc2 = transformer_linear([hidden, channels], true, device);
        Self { fc1, fc2, activation }
    }

    /// # Shapes
    /// `[…, C]` → `[…, C]`
    #[must_use]
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        self.fc2.forward_mixed(self.activation.forward(self.fc1.forward_mixed(input)))
    }
}
