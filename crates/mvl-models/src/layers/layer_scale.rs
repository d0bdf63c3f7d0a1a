//! A learnt factor for each channel of a residual branch, small at first. Touvron, Cord, Sablayrolles, Synnaeve, Jégou 2021
//! (CaiT), <https://arxiv.org/abs/2103.17239>.

use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Tensor};
use mvl_core::in_type_of;

/// A factor for each channel. It is applied in its own type, see [`in_type_of`].
#[derive(Module, Debug)]
pub struct LayerScale {
    /// `[C]`
    pub gamma: Param<Tensor<1>>,
}

impl LayerScale {
    /// Factors that begin at `value`.
    #[must_use]
    pub fn new(channels: usize, value: f64, device: &Device) -> Self {
        Self { gamma: Initializer::Constant { value }.init([channels], device) }
    }

    /// # Shapes
    /// `[N, L, C]` → `[N, L, C]`
    #[must_use]
    pub fn tokens(&self, input: Tensor<3>) -> Tensor<3> {
        in_type_of(&self.gamma, input, |input| input * self.gamma.val().unsqueeze())
    }

    /// # Shapes
    /// `[N, C, H, W]` → `[N, C, H, W]`
    #[must_use]
    pub fn map(&self, input: Tensor<4>) -> Tensor<4> {
        in_type_of(&self.gamma, input, |input| {
            let gamma = self.gamma.val();
            let [channels] = gamma.dims();
            input * gamma.reshape([1, channels, 1, 1])
        })
    }
}
