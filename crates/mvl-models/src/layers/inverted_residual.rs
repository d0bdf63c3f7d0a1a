//! The inverted residual: few channels go in and out, many lie between, where a depthwise convolution sees the neighbourhood.
//! Sandler et al. 2018 (MobileNetV2), <https://arxiv.org/abs/1801.04381>; with squeeze and excitation in MobileNetV3 and
//! EfficientNet; fused to fewer convolutions in EfficientNetV2. `[N, C, H, W]` → `[N, C', H / stride, W / stride]`

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::activation::Activation;
use super::conv_norm_act::{ConvNormAct, ConvNormActConfig};
use super::drop_path::DropPath;
use super::padding::Padding;
use super::squeeze_excite::{SqueezeExcite, SqueezeExciteConfig};

/// Configuration of an [`InvertedResidual`].
#[derive(Config, Debug)]
pub struct InvertedResidualConfig {
    /// Input and output channels.
    pub channels: [usize; 2],
    /// Channels in between. As many as come in: there is no convolution that expands.
    pub hidden: usize,
    /// Side of the depthwise kernel, odd.
    #[config(default = 3)]
    pub kernel: usize,
    /// Step along each side.
    #[config(default = 1)]
    pub stride: usize,
    /// One full convolution in place of the expanding and the depthwise one.
    #[config(default = false)]
    pub fused: bool,
    /// Squeeze and excitation of the channels in between; `None` for none, and where the block is fused.
    pub excite: Option<SqueezeExciteConfig>,
    /// What follows every convolution but the last.
    #[config(default = "Activation::Relu6")]
    pub activation: Activation,
    /// What is added around the maps.
    #[config(default = "Padding::Same")]
    pub padding: Padding,
    /// Added to the variance in normalisations.
    #[config(default = 1e-5)]
    pub epsilon: f64,
    /// Share of the newest batch in the running statistics.
    #[config(default = 0.1)]
    pub momentum: f64,
    /// Share of the samples for which training leaves the branch out, where the input is added.
    #[config(default = 0.0)]
    pub drop_path: f64,
}

/// One step of an [`InvertedResidual`].
#[derive(Module, Debug)]
pub enum InvertedResidualStep {
    /// A convolution.
    Conv(ConvNormAct),
    /// Squeeze and excitation.
    Excite(SqueezeExcite),
}

/// 1×1 that expands → depthwise → (squeeze and excitation) → 1×1 without activation; fused: full convolution that expands → 1×1.
/// The input is added at stride 1 and equal channels.
#[derive(Module, Debug)]
pub struct InvertedResidual {
    /// The steps there are, so that their positions are those of torchvision's.
    pub block: Vec<InvertedResidualStep>,
    drop_path: DropPath,
    residual: bool,
}

impl InvertedResidualConfig {
    /// Creates the block.
    pub fn init(&self, device: &Device) -> InvertedResidual {
        let [input, output] = self.channels;
        let conv = |channels, kernel: usize| {
            ConvNormActConfig::new(channels, [kernel; 2])
                .with_activation(self.activation)
                .with_padding(self.padding)
                .with_epsilon(self.epsilon)
                .with_momentum(self.momentum)
        };
        let expands = self.hidden != input;
        let project = |from| conv([from, output], 1).with_activation(Activation::Identity);
        let (convs, excite) = match (self.fused, expands) {
            (true, true) => (vec![conv([input, self.hidden], self.kernel).with_stride(self.stride)], None),
            // nothing lies between: the one convolution goes to the output
            (true, false) => (vec![conv([input, output], self.kernel).with_stride(self.stride)], None),
            (false, _) => {
                let expand = expands.then(|| conv([input, self.hidden], 1));
                let depthwise = conv([self.hidden; 2], self.kernel).with_stride(self.stride).with_groups(self.hidden);
                (expand.into_iter().chain([depthwise]).collect(), self.excite.as_ref())
            }
        };
        let project = (!self.fused || expands).then(|| project(self.hidden));
        let step = |config: ConvNormActConfig| InvertedResidualStep::Conv(config.init(device));
        let excite = excite.map(|config| InvertedResidualStep::Excite(config.init(device)));
        let block = convs.into_iter().map(step).chain(excite).chain(project.map(step)).collect();
        let residual = self.stride == 1 && input == output;
        InvertedResidual { block, drop_path: DropPath::new(self.drop_path), residual }
    }
}

impl InvertedResidual {
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
        self.block.iter().fold(input, |map, step| match step {
            InvertedResidualStep::Conv(conv) => conv.forward(map),
            InvertedResidualStep::Excite(excite) => excite.forward(map),
        })
    }
}

#[cfg(test)]
mod tests {
    use mvl_core::{Backend, Cpu};

    use super::*;

    #[test]
    fn steps_are_those_of_torchvision() {
        let device = Cpu::device(0).expect("a CPU");
        let excite = Some(SqueezeExciteConfig::new(8, 2));
        let config = InvertedResidualConfig::new([4, 4], 8).with_excite(excite.clone());
        let cases = [
            (config.clone(), 4), // expand, depthwise, excite, project
            (InvertedResidualConfig { hidden: 4, excite: None, ..config.clone() }, 2), // depthwise, project
            (config.clone().with_fused(true), 2), // full, project
            (InvertedResidualConfig { hidden: 4, ..config.clone() }.with_fused(true), 1), // full
        ];
        for (config, steps) in cases {
            let block = config.init(&device);
            assert_eq!(block.block.len(), steps, "{config:?}");
            assert_eq!(block.forward(Tensor::ones([2, 4, 6, 5], &device)).dims(), [2, 4, 6, 5]);
            let strided = config.with_stride(2).init(&device);
            assert_eq!(strided.forward(Tensor::ones([2, 4, 6, 5], &device)).dims(), [2, 4, 3, 3]);
        }
    }
}
