//! The universal inverted bottleneck: an inverted residual whose depthwise convolution may stand before the expansion, after it, at
//! both places or at neither. `[N, C, H, W]` → `[N, C', H / stride, W / stride]`

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::layers::{Activation, ConvNormAct, ConvNormActConfig, DropPath};

/// Configuration of a [`UniversalBottleneck`].
#[derive(Config, Debug)]
pub struct UniversalBottleneckConfig {
    /// Input and output channels.
    pub channels: [usize; 2],
    /// Channels in between.
    pub hidden: usize,
    /// Side of the depthwise kernel before the expansion, odd; 0 for none.
    #[config(default = 0)]
    pub start: usize,
    /// Side of the depthwise kernel after the expansion, odd; 0 for none.
    #[config(default = 0)]
    pub middle: usize,
    /// Step along each side, of the last depthwise convolution there is.
    #[config(default = 1)]
    pub stride: usize,
    /// Share of the samples for which training leaves the branch out, where the input is added.
    #[config(default = 0.0)]
    pub drop_path: f64,
}

/// (Depthwise) → 1×1 that expands → (depthwise) → 1×1; the second and third are activated. The input is added at stride 1 and
/// equal channels.
#[derive(Module, Debug)]
pub struct UniversalBottleneck {
    dw_start: Option<ConvNormAct>,
    pw_exp: ConvNormAct,
    dw_mid: Option<ConvNormAct>,
    pw_proj: ConvNormAct,
    drop_path: DropPath,
    residual: bool,
}

impl UniversalBottleneckConfig {
    /// Creates the block.
    ///
    /// # Panics
    /// If there is a stride and no depthwise convolution that could have it.
    pub fn init(&self, device: &Device) -> UniversalBottleneck {
        let [input, output] = self.channels;
        assert!(self.stride == 1 || self.start + self.middle > 0, "a stride needs a depthwise convolution");
        let depthwise = |channels, kernel, stride, activation| {
            (kernel > 0).then(|| {
                ConvNormActConfig::new([channels; 2], [kernel; 2])
                    .with_groups(channels)
                    .with_stride(stride)
                    .with_activation(activation)
                    .init(device)
            })
        };
        let first_stride = if self.middle > 0 { 1 } else { self.stride };
        UniversalBottleneck {
            dw_start: depthwise(input, self.start, first_stride, Activation::Identity),
            pw_exp: ConvNormActConfig::new([input, self.hidden], [1; 2]).init(device),
            dw_mid: depthwise(self.hidden, self.middle, self.stride, Activation::Relu),
            pw_proj: ConvNormActConfig::new([self.hidden, output], [1; 2])
                .with_activation(Activation::Identity)
                .init(device),
            drop_path: DropPath::new(self.drop_path),
            residual: self.stride == 1 && input == output,
        }
    }
}

impl UniversalBottleneck {
    /// # Shapes
    /// `[N, C, H, W]` → `[N, C', H / stride, W / stride]`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        if !self.residual {
            return self.branch(input);
        }
        self.drop_path.forward(self.branch(input.clone())) + input
    }

    fn branch(&self, input: Tensor<4>) -> Tensor<4> {
        let through = |conv: &Option<ConvNormAct>, map| match conv {
            Some(conv) => conv.forward(map),
            None => map,
        };
        let expanded = self.pw_exp.forward(through(&self.dw_start, input));
        self.pw_proj.forward(through(&self.dw_mid, expanded))
    }
}
