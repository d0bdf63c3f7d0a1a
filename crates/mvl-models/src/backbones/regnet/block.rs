//! The block: `relu(branch(x) + shortcut(x))`, a bottleneck that does not narrow. `[N, C, H, W]` → `[N, C', H / stride, W / stride]`

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor, activation};

use crate::layers::{Activation, ConvNormAct, ConvNormActConfig, SqueezeExcite, SqueezeExciteConfig};

/// Configuration of a [`RegNetBlock`].
#[derive(Config, Debug)]
pub struct RegNetBlockConfig {
    /// Input and output channels.
    pub channels: [usize; 2],
    /// Channels of each group of the 3×3 convolution.
    pub group_width: usize,
    /// Step of the 3×3 convolution and of the shortcut.
    #[config(default = 1)]
    pub stride: usize,
    /// Channels in between, in squeeze and excitation, for each input channel; none when it is 0.
    #[config(default = 0.0)]
    pub squeeze: f64,
}

/// 1×1, 3×3 in groups, squeeze and excitation, 1×1; the shortcut is a 1×1 convolution where size or channels change.
#[derive(Module, Debug)]
pub struct RegNetBlock {
    proj: Option<ConvNormAct>,
    a: ConvNormAct,
    b: ConvNormAct,
    se: Option<SqueezeExcite>,
    c: ConvNormAct,
}

impl RegNetBlockConfig {
    /// Creates the block.
    ///
    /// # Panics
    /// If the groups' width does not divide the output channels.
    pub fn init(&self, device: &Device) -> RegNetBlock {
        let [input, output] = self.channels;
        let plain = |channels| ConvNormActConfig::new(channels, [1; 2]);
        let linear = |channels| plain(channels).with_activation(Activation::Identity);
        let squeezed = (self.squeeze * input as f64).round_ties_even() as usize;
        RegNetBlock {
            proj: (input != output || self.stride != 1)
                .then(|| linear([input, output]).with_stride(self.stride).init(device)),
            a: plain([input, output]).init(device),
            b: ConvNormActConfig::new([output, output], [3; 2])
                .with_stride(self.stride)
                .with_groups(output / self.group_width)
                .init(device),
            se: (squeezed > 0).then(|| SqueezeExciteConfig::new(output, squeezed).init(device)),
            c: linear([output, output]).init(device),
        }
    }
}

impl RegNetBlock {
    /// # Shapes
    /// `[N, C, H, W]` → `[N, C', H / stride, W / stride]`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let shortcut = match &self.proj {
            Some(project) => project.forward(input.clone()),
            None => input.clone(),
        };
        let branch = self.b.forward(self.a.forward(input));
        let branch = match &self.se {
            Some(scale) => scale.forward(branch),
            None => branch,
        };
        activation::relu(self.c.forward(branch) + shortcut)
    }
}
