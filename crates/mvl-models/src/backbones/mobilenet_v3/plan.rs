//! Tables of blocks, and the plan that follows from one.

use mvl_core::KeyMap;

use crate::backbones::StepConfig;
use crate::layers::{
    Activation, ConvNormActConfig, InvertedResidualConfig, SqueezeExciteConfig, make_divisible, widen,
};

const FIRST_CHANNELS: usize = 16;
/// Channels of the last convolution for each that comes in.
const LAST_FACTOR: usize = 6;
/// The channels in the middle of squeeze and excitation are a block's channels divided by this, a multiple of 8.
const SQUEEZE: usize = 4;
const DIVISOR: usize = 8;
const EPSILON: f64 = 1e-3;
const MOMENTUM: f64 = 0.01;

/// From the paths of a classifier to torchvision's keys.
pub(super) const KEY_MAP: KeyMap = KeyMap(&[
    (r"^backbone\.", ""),
    (r"\bconv\.", "0."),
    (r"\bnorm\.", "1."),
    (r"^head\.hidden\.0\.", "classifier.0."),
    (r"^head\.linear\.", "classifier.3."),
]);

/// A block: kernel, channels in between, output channels, whether it is excited, activation, stride.
type Block = (usize, usize, usize, bool, Activation, usize);

const RE: Activation = Activation::Relu;
const HS: Activation = Activation::HardSwish;

/// Table 1 of the paper.
pub(super) const LARGE: &[Block] = &[
    (3, 16, 16, false, RE, 1),
    (3, 64, 24, false, RE, 2),
    (3, 72, 24, false, RE, 1),
    (5, 72, 40, true, RE, 2),
    (5, 120, 40, true, RE, 1),
    (5, 120, 40, true, RE, 1),
    (3, 240, 80, false, HS, 2),
    (3, 200, 80, false, HS, 1),
    (3, 184, 80, false, HS, 1),
    (3, 184, 80, false, HS, 1),
    (3, 480, 112, true, HS, 1),
    (3, 672, 112, true, HS, 1),
    (5, 672, 160, true, HS, 2),
    (5, 960, 160, true, HS, 1),
    (5, 960, 160, true, HS, 1),
];

/// Table 2 of the paper.
pub(super) const SMALL: &[Block] = &[
    (3, 16, 16, true, RE, 2),
    (3, 72, 24, false, RE, 2),
    (3, 88, 24, false, RE, 1),
    (5, 96, 40, true, HS, 2),
    (5, 240, 40, true, HS, 1),
    (5, 240, 40, true, HS, 1),
    (5, 120, 48, true, HS, 1),
    (5, 144, 48, true, HS, 1),
    (5, 288, 96, true, HS, 2),
    (5, 576, 96, true, HS, 1),
    (5, 576, 96, true, HS, 1),
];

/// The steps: a convolution, the blocks, a convolution.
pub(super) fn plan(blocks: &[Block], in_channels: usize, first_stride: usize, width: f64) -> Vec<StepConfig> {
    let conv = |channels, kernel: usize| {
        ConvNormActConfig::new(channels, [kernel; 2]).with_activation(HS).with_epsilon(EPSILON).with_momentum(MOMENTUM)
    };
    let mut channels = widen(FIRST_CHANNELS, width);
    let mut plan = vec![StepConfig::Conv(conv([in_channels, channels], 3).with_stride(first_stride))];
    for &(kernel, hidden, output, excited, activation, stride) in blocks {
        let (hidden, output) = (widen(hidden, width), widen(output, width));
        let excite = excited.then(|| {
            let squeezed = make_divisible((hidden / SQUEEZE) as f64, DIVISOR);
            SqueezeExciteConfig::new(hidden, squeezed).with_gate(Activation::HardSigmoid)
        });
        let block = InvertedResidualConfig::new([channels, output], hidden)
            .with_kernel(kernel)
            .with_stride(stride)
            .with_excite(excite)
            .with_activation(activation)
            .with_epsilon(EPSILON)
            .with_momentum(MOMENTUM);
        plan.push(StepConfig::Block(block));
        channels = output;
    }
    plan.push(StepConfig::Conv(conv([channels, LAST_FACTOR * channels], 1)));
    plan
}
