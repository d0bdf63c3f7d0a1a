//! A net that is one chain of convolutions and inverted residuals, `[N, C, H, W]` → maps at growing strides: the EfficientNets
//! and MobileNetV3. What differs between them is the plan.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use mvl_core::{Backbone, Features, Tap, TapSet};

use crate::layers::{ConvNormAct, ConvNormActConfig, InvertedResidual, InvertedResidualConfig};

/// One step of a plan.
#[derive(Debug)]
pub enum StepConfig {
    /// A convolution.
    Conv(ConvNormActConfig),
    /// A block.
    Block(InvertedResidualConfig),
    /// Blocks that count as one step, at least one.
    Stage(Vec<InvertedResidualConfig>),
}

/// One step of a [`StepNet`].
#[derive(Module, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a net holds a few dozen of them, and a box more would be one more look each"
)]
pub enum Step {
    /// A convolution.
    Conv(ConvNormAct),
    /// A block.
    Block(InvertedResidual),
    /// Blocks that count as one step.
    Stage(Vec<InvertedResidual>),
}

impl StepConfig {
    fn init(&self, device: &Device) -> Step {
        match self {
            Self::Conv(conv) => Step::Conv(conv.init(device)),
            Self::Block(block) => Step::Block(block.init(device)),
            Self::Stage(blocks) => Step::Stage(blocks.iter().map(|block| block.init(device)).collect()),
        }
    }

    fn stride(&self) -> usize {
        match self {
            Self::Conv(conv) => conv.stride,
            Self::Block(block) => block.stride,
            Self::Stage(blocks) => blocks.iter().map(|block| block.stride).product(),
        }
    }

    fn out_channels(&self) -> usize {
        match self {
            Self::Conv(conv) => conv.channels[1],
            Self::Block(block) => block.channels[1],
            Self::Stage(blocks) => blocks.last().map_or(0, |block| block.channels[1]),
        }
    }
}

impl Step {
    fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Conv(conv) => conv.forward(map),
            Self::Block(block) => block.forward(map),
            Self::Stage(blocks) => blocks.iter().fold(map, |map, block| block.forward(map)),
        }
    }
}

/// A chain of steps without its classifier. Taps: the last step of each stride.
#[derive(Module, Debug)]
pub struct StepNet {
    features: Vec<Step>,
    #[module(skip)]
    taps: Vec<Tap>,
    /// The step of each tap.
    #[module(skip)]
    tapped: Vec<usize>,
}

impl StepNet {
    /// The net of a plan; `name` says how the tap of a step is called.
    pub fn new(plan: &[StepConfig], name: impl Fn(usize) -> String, device: &Device) -> Self {
        let (mut taps, mut tapped, mut stride) = (Vec::new(), Vec::new(), 1);
        for (index, step) in plan.iter().enumerate() {
            stride *= step.stride();
            if plan.get(index + 1).is_none_or(|next| next.stride() > 1) {
                taps.push(Tap::map(name(index), step.out_channels(), stride));
                tapped.push(index);
            }
        }
        Self { features: plan.iter().map(|step| step.init(device)).collect(), taps, tapped }
    }
}

impl Backbone for StepNet {
    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features {
        let mut features = Features::new();
        let Some(last) = keep.last() else { return features };
        let mut map = images;
        let mut begin = 0;
        for (tap, &end) in self.tapped.iter().enumerate().take(last + 1) {
            map = self.features[begin..=end].iter().fold(map, |map, step| step.forward(map));
            features.keep_map(keep, tap, &map);
            begin = end + 1;
        }
        features
    }
}
