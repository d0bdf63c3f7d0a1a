//! The inverted residual: 1×1 to more channels, depthwise with the stride, 1×1 to the output channels; the input is added where
//! size and channels stay. `[N, C, H, W]` → `[N, C', H / stride, W / stride]`

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::layers::{Activation, ConvNormAct, ConvNormActConfig};

/// Share of the newest batch in the running statistics, the paper's 0.9997 from PyTorch's side.
const MOMENTUM: f64 = 1.0 - 0.9997;

/// An inverted residual.
#[derive(Module, Debug)]
pub struct MnasBlock {
    layers: Vec<ConvNormAct>,
    residual: bool,
}

/// The numbers of a [`MnasBlock`].
pub(super) struct MnasBlockConfig {
    pub(super) channels: [usize; 2],
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) expansion: usize,
}

impl MnasBlockConfig {
    pub(super) fn init(&self, device: &Device) -> MnasBlock {
        let [input, output] = self.channels;
        let hidden = input * self.expansion;
        let layers = [
            conv([input, hidden], 1),
            conv([hidden, hidden], self.kernel).with_groups(hidden).with_stride(self.stride),
            conv([hidden, output], 1).with_activation(Activation::Identity),
        ];
        MnasBlock {
            layers: layers.map(|config| config.init(device)).into(),
            residual: input == output && self.stride == 1,
        }
    }
}

impl MnasBlock {
    /// # Shapes
    /// `[N, C, H, W]` → `[N, C', H / stride, W / stride]`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let branch = self.layers.iter().fold(input.clone(), |map, layer| layer.forward(map));
        if self.residual { branch + input } else { branch }
    }
}

/// A convolution with this family's normalisation.
pub(super) fn conv(channels: [usize; 2], kernel: usize) -> ConvNormActConfig {
    ConvNormActConfig::new(channels, [kernel; 2]).with_momentum(MOMENTUM)
}
