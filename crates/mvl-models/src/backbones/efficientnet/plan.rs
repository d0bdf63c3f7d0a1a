//! What the nets are made of: tables of stages, and the plan that follows from one.

use mvl_core::KeyMap;

use super::names::Published;
use crate::backbones::StepConfig;
use crate::layers::{
    Activation, ConvNormActConfig, InvertedResidualConfig, SqueezeExciteConfig, make_divisible, widen,
};

/// The channels in the middle of squeeze and excitation are a block's input channels divided by this.
const SQUEEZE: usize = 4;
const DIVISOR: usize = 8;

/// What the nets of one family have in common.
#[derive(Debug)]
pub(super) struct Recipe {
    pub(super) family: &'static str,
    /// Channels of the first convolution, and whether the width multiplies them.
    first: (usize, bool),
    stages: &'static [Stage],
    /// Whether the depth multiplies the repeats of the first and the last stage too.
    all_deepen: bool,
    last: Last,
    activation: Activation,
    excite: bool,
    /// Steps as torchvision names them, or timm.
    pub(super) naming: Naming,
}

/// Channels of the last convolution.
#[derive(Debug)]
enum Last {
    /// This many.
    Fixed(usize),
    /// This many for each channel that comes in.
    Times(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    Torchvision,
    Timm,
}

/// Blocks of the same shape, of which the first has the stride.
#[derive(Debug)]
struct Stage {
    fused: bool,
    expansion: usize,
    kernel: usize,
    stride: usize,
    channels: usize,
    repeats: usize,
}

const fn plain(expansion: usize, kernel: usize, stride: usize, channels: usize, repeats: usize) -> Stage {
    Stage { fused: false, expansion, kernel, stride, channels, repeats }
}

const fn fused(expansion: usize, kernel: usize, stride: usize, channels: usize, repeats: usize) -> Stage {
    Stage { fused: true, expansion, kernel, stride, channels, repeats }
}

/// Table 1 of EfficientNet's paper.
const STAGES: &[Stage] = &[
    plain(1, 3, 1, 16, 1),
    plain(6, 3, 2, 24, 2),
    plain(6, 5, 2, 40, 2),
    plain(6, 3, 2, 80, 3),
    plain(6, 5, 1, 112, 3),
    plain(6, 5, 2, 192, 4),
    plain(6, 3, 1, 320, 1),
];

/// EfficientNet.
pub(super) const V1: Recipe = Recipe {
    family: "efficientnet",
    first: (32, true),
    stages: STAGES,
    all_deepen: true,
    last: Last::Times(4),
    activation: Activation::Silu,
    excite: true,
    naming: Naming::Torchvision,
};

/// EfficientNet-Lite.
pub(super) const LITE: Recipe = Recipe {
    family: "efficientnet_lite",
    first: (32, false),
    all_deepen: false,
    last: Last::Fixed(1280),
    activation: Activation::Relu6,
    excite: false,
    naming: Naming::Timm,
    ..V1
};

/// EfficientNetV2's nets, with the first convolution's channels.
const fn v2(first: usize, stages: &'static [Stage]) -> Recipe {
    Recipe { family: "efficientnet_v2", first: (first, true), stages, last: Last::Fixed(1280), ..V1 }
}

/// Table 4 of EfficientNetV2's paper.
pub(super) const V2_S: Recipe = v2(
    24,
    &[
        fused(1, 3, 1, 24, 2),
        fused(4, 3, 2, 48, 4),
        fused(4, 3, 2, 64, 4),
        plain(4, 3, 2, 128, 6),
        plain(6, 3, 1, 160, 9),
        plain(6, 3, 2, 256, 15),
    ],
);

/// The medium one.
pub(super) const V2_M: Recipe = v2(
    24,
    &[
        fused(1, 3, 1, 24, 3),
        fused(4, 3, 2, 48, 5),
        fused(4, 3, 2, 80, 5),
        plain(4, 3, 2, 160, 7),
        plain(6, 3, 1, 176, 14),
        plain(6, 3, 2, 304, 18),
        plain(6, 3, 1, 512, 5),
    ],
);

/// The large one.
pub(super) const V2_L: Recipe = v2(
    32,
    &[
        fused(1, 3, 1, 32, 4),
        fused(4, 3, 2, 64, 7),
        fused(4, 3, 2, 96, 7),
        plain(4, 3, 2, 192, 10),
        plain(6, 3, 1, 224, 19),
        plain(6, 3, 2, 384, 25),
        plain(6, 3, 1, 640, 7),
    ],
);

/// From the paths of a classifier to torchvision's keys.
const TORCHVISION_KEYS: KeyMap =
    KeyMap(&[(r"^backbone\.", ""), (r"\bconv\.", "0."), (r"\bnorm\.", "1."), (r"^head\.linear\.", "classifier.1.")]);

/// From the paths of a classifier to timm's keys, which number a block's normalisations: the first stage's blocks do not expand.
const TIMM_KEYS: KeyMap = KeyMap(&[
    (r"^backbone\.", ""),
    (r"^features\.0\.conv\.", "conv_stem."),
    (r"^features\.0\.norm\.", "bn1."),
    (r"^features\.8\.conv\.", "conv_head."),
    (r"^features\.8\.norm\.", "bn2."),
    (r"^(features\.1\.\d+)\.block\.0\.conv\.", "$1.conv_dw."),
    (r"^(features\.1\.\d+)\.block\.1\.conv\.", "$1.conv_pw."),
    (r"\bblock\.0\.conv\.", "conv_pw."),
    (r"\bblock\.1\.conv\.", "conv_dw."),
    (r"\bblock\.2\.conv\.", "conv_pwl."),
    (r"\bblock\.0\.norm\.", "bn1."),
    (r"\bblock\.1\.norm\.", "bn2."),
    (r"\bblock\.2\.norm\.", "bn3."),
    (r"^features\.\d+\.", "blocks.$#."),
    (r"^head\.linear\.", "classifier."),
]);

/// The keys of Luke Melas-Kyriazi's EfficientNet-PyTorch, in which EfficientNet-Lite's weights were published for PyTorch: blocks
/// are numbered through all stages.
const LUKEMELAS_KEYS: KeyMap = KeyMap(&[
    (r"^backbone\.", ""),
    (r"^features\.0\.conv\.", "_conv_stem."),
    (r"^features\.0\.norm\.", "_bn0."),
    (r"^features\.8\.conv\.", "_conv_head."),
    (r"^features\.8\.norm\.", "_bn1."),
    (r"^(features\.1\.\d+)\.block\.0\.conv\.", "$1._depthwise_conv."),
    (r"^(features\.1\.\d+)\.block\.0\.norm\.", "$1._bn1."),
    (r"^(features\.1\.\d+)\.block\.1\.conv\.", "$1._project_conv."),
    (r"^(features\.1\.\d+)\.block\.1\.norm\.", "$1._bn2."),
    (r"\bblock\.0\.conv\.", "_expand_conv."),
    (r"\bblock\.0\.norm\.", "_bn0."),
    (r"\bblock\.1\.conv\.", "_depthwise_conv."),
    (r"\bblock\.1\.norm\.", "_bn1."),
    (r"\bblock\.2\.conv\.", "_project_conv."),
    (r"\bblock\.2\.norm\.", "_bn2."),
    (r"^features\.\d+\.\d+\.", "_blocks.$#."),
    (r"^head\.linear\.", "_fc."),
]);

impl Naming {
    pub(super) fn key_map(self) -> KeyMap {
        match self {
            Self::Torchvision => TORCHVISION_KEYS,
            Self::Timm => TIMM_KEYS,
        }
    }

    pub(super) fn other_key_maps(self) -> &'static [KeyMap] {
        match self {
            Self::Torchvision => &[],
            Self::Timm => &[LUKEMELAS_KEYS],
        }
    }

    /// The tap after a step of a plan with this many steps.
    pub(super) fn tap(self, step: usize, steps: usize) -> String {
        match self {
            Self::Torchvision => format!("features.{step}"),
            Self::Timm if step == 0 => "bn1".to_owned(),
            Self::Timm if step + 1 == steps => "bn2".to_owned(),
            Self::Timm => format!("blocks.{}", step - 1),
        }
    }
}

/// What a config changes of a published net.
#[derive(Debug)]
pub(super) struct Changes {
    pub(super) in_channels: usize,
    pub(super) first_stride: usize,
    pub(super) width: f64,
    pub(super) depth: f64,
    pub(super) drop_path: f64,
}

impl Published {
    /// The steps: a convolution, the stages, a convolution.
    pub(super) fn plan(&self, changes: &Changes) -> Vec<StepConfig> {
        let Recipe { first: (first, first_widens), stages, all_deepen, last, activation, excite, .. } = self.recipe;
        let width = self.width * changes.width;
        let depth = self.depth * changes.depth;
        let [epsilon, momentum] = self.norm;
        let conv = |channels, kernel: usize| {
            ConvNormActConfig::new(channels, [kernel; 2])
                .with_activation(*activation)
                .with_padding(self.padding)
                .with_epsilon(epsilon)
                .with_momentum(momentum)
        };
        let repeats: Vec<usize> = stages
            .iter()
            .enumerate()
            .map(|(index, stage)| {
                let deepens = *all_deepen || (index > 0 && index + 1 < stages.len());
                let factor = if deepens { depth } else { 1.0 };
                (stage.repeats as f64 * factor).ceil() as usize
            })
            .collect();
        let total: usize = repeats.iter().sum();

        let mut channels = widen(*first, if *first_widens { width } else { 1.0 });
        let mut plan =
            vec![StepConfig::Conv(conv([changes.in_channels, channels], 3).with_stride(changes.first_stride))];
        let mut block = 0;
        for (stage, repeats) in stages.iter().zip(repeats) {
            let stage_channels = widen(stage.channels, width);
            let blocks = (0..repeats).map(|repeat| {
                let hidden = make_divisible((channels * stage.expansion) as f64, DIVISOR);
                let squeezed = (channels / SQUEEZE).max(1);
                let excite = excite.then(|| SqueezeExciteConfig::new(hidden, squeezed).with_activation(*activation));
                let config = InvertedResidualConfig::new([channels, stage_channels], hidden)
                    .with_kernel(stage.kernel)
                    .with_stride(if repeat == 0 { stage.stride } else { 1 })
                    .with_fused(stage.fused)
                    .with_excite(excite)
                    .with_activation(*activation)
                    .with_padding(self.padding)
                    .with_epsilon(epsilon)
                    .with_momentum(momentum)
                    .with_drop_path(changes.drop_path * block as f64 / total as f64);
                channels = stage_channels;
                block += 1;
                config
            });
            plan.push(StepConfig::Stage(blocks.collect()));
        }
        let last = match last {
            Last::Fixed(last) => *last,
            Last::Times(times) => times * channels,
        };
        plan.push(StepConfig::Conv(conv([channels, last], 1)));
        plan
    }
}
