//! SqueezeNet's block: a 1×1 convolution to few channels, then 1×1 and 3×3 ones side by side. `[N, C, H, W]` → `[N, 2 E, H, W]`

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use mvl_core::MixedForward;

use crate::layers::BiasedConv;

/// Squeeze → expand, each with ReLU.
#[derive(Module, Debug)]
pub struct Fire {
    squeeze: Conv2d,
    expand1x1: Conv2d,
    expand3x3: Conv2d,
}

impl Fire {
    /// From `channels` through `squeezed` to twice `expanded`.
    #[must_use]
    pub fn new(channels: usize, squeezed: usize, expanded: usize, device: &Device) -> Self {
        let conv = |channels, kernel| BiasedConv { channels, kernel, stride: 1, padding: kernel / 2 }.init(device);
        Self {
            squeeze: conv([channels, squeezed], 1),
            expand1x1: conv([squeezed, expanded], 1),
            expand3x3: conv([squeezed, expanded], 3),
        }
    }

    /// # Shapes
    /// `[N, C, H, W]` → `[N, 2 E, H, W]`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let squeezed = relu(self.squeeze.forward_mixed(input)); // [N, S, H, W]
        relu(Tensor::cat(
            vec![self.expand1x1.forward_mixed(squeezed.clone()), self.expand3x3.forward_mixed(squeezed)],
            1,
        ))
    }
}
