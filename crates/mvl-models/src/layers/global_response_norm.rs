//! Global response normalisation: channels compete by the strength of their answer over the whole map. Woo et al. 2023
//! (ConvNeXt V2), <https://arxiv.org/abs/2301.00808>. `[N, H, W, C]` → `[N, H, W, C]`

use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Tensor};
use mvl_core::in_type_of;

/// Added to the mean strength.
const EPSILON: f64 = 1e-6;
/// Keeps the root's slope finite where a channel is all zeros.
const TINY: f64 = 1e-24;

/// `x + beta + gamma · x · strength / mean strength`, with channels last, in the type of gamma.
#[derive(Module, Debug)]
pub struct GlobalResponseNorm {
    /// `[C]`, begins at zero.
    pub gamma: Param<Tensor<1>>,
    /// `[C]`, begins at zero.
    pub beta: Param<Tensor<1>>,
}

impl GlobalResponseNorm {
    /// For maps of this many channels.
    #[must_use]
    pub fn new(channels: usize, device: &Device) -> Self {
        let zeros = || Initializer::Zeros.init([channels], device);
        Self { gamma: zeros(), beta: zeros() }
    }

    /// # Shapes
    /// `[N, H, W, C]` → `[N, H, W, C]`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        in_type_of(&self.gamma, input, |input| self.normalise(input))
    }

    fn normalise(&self, input: Tensor<4>) -> Tensor<4> {
        let strength = ((input.clone() * input.clone()).sum_dim(1).sum_dim(2) + TINY).sqrt(); // [N, 1, 1, C]
        let share = strength.clone() / (strength.mean_dim(3) + EPSILON);
        let (gamma, beta): (Tensor<4>, Tensor<4>) = (self.gamma.val().unsqueeze(), self.beta.val().unsqueeze());
        input.clone() + beta + gamma * (input * share)
    }
}
