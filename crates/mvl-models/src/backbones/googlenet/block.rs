//! The inception block: four branches side by side. `[N, C, H, W]` → `[N, C', H, W]`

use burn::module::Module;
use burn::nn::pool::MaxPool2d;
use burn::tensor::{Device, Tensor};

use crate::layers::{ConvNormAct, ConvNormActConfig, PoolEdge, max_pool, widen};

/// Added to the variance, more than usual.
const EPSILON: f64 = 1e-3;

/// Channels of each branch (table 1 of the paper).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InceptionChannels {
    /// Of the 1×1 convolution.
    pub single: usize,
    /// Inside and at the end of the second branch.
    pub second: [usize; 2],
    /// Inside and at the end of the third branch.
    pub third: [usize; 2],
    /// After the pool.
    pub pooled: usize,
}

impl InceptionChannels {
    /// All of them at this width multiplier, rounded to multiples of 8.
    pub(super) fn widen(self, width: f64) -> Self {
        let wide = |channels| widen(channels, width);
        Self {
            single: wide(self.single),
            second: self.second.map(wide),
            third: self.third.map(wide),
            pooled: wide(self.pooled),
        }
    }

    /// Channels that go out.
    #[must_use]
    pub fn sum(&self) -> usize {
        self.single + self.second[1] + self.third[1] + self.pooled
    }
}

/// 1×1; 1×1 → 3×3; 1×1 → 3×3; max pool → 1×1.
#[derive(Module, Debug)]
pub struct Inception {
    branch1: ConvNormAct,
    branch2: Vec<ConvNormAct>,
    branch3: Vec<ConvNormAct>,
    branch4: ConvNormAct,
    pool: MaxPool2d,
}

impl Inception {
    /// From `in_channels` to [`InceptionChannels::sum`].
    #[must_use]
    pub fn new(in_channels: usize, channels: InceptionChannels, device: &Device) -> Self {
        let InceptionChannels { single, second, third, pooled } = channels;
        let pair = |[inside, end]: [usize; 2]| {
            vec![conv([in_channels, inside], 1, 1, device), conv([inside, end], 3, 1, device)]
        };
        Self {
            branch1: conv([in_channels, single], 1, 1, device),
            branch2: pair(second),
            branch3: pair(third),
            branch4: conv([in_channels, pooled], 1, 1, device),
            pool: max_pool(3, 1, PoolEdge::Same),
        }
    }

    /// # Shapes
    /// `[N, C, H, W]` → `[N, C', H, W]`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let chain = |layers: &[ConvNormAct]| layers.iter().fold(input.clone(), |map, layer| layer.forward(map));
        let branches = vec![
            self.branch1.forward(input.clone()),
            chain(&self.branch2),
            chain(&self.branch3),
            self.branch4.forward(self.pool.forward(input.clone())),
        ];
        Tensor::cat(branches, 1)
    }
}

/// A square convolution with this family's normalisation.
pub(super) fn conv(channels: [usize; 2], kernel: usize, stride: usize, device: &Device) -> ConvNormAct {
    ConvNormActConfig::new(channels, [kernel; 2]).with_stride(stride).with_epsilon(EPSILON).init(device)
}
