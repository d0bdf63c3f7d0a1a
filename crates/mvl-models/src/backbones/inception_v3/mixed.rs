//! A mixed block: branches side by side (figures 5, 6, 7 and 10 of the paper). `[N, C, H, W]` → `[N, C', H', W']`

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::pool::{AvgPool2d, AvgPool2dConfig, MaxPool2d};
use burn::tensor::{Device, Tensor};

use super::branch::{Branch, ConvShape};
use crate::layers::{ConvNormAct, PoolEdge, max_pool};

/// Which branches there are, under torchvision's names, in the order of their channels; absent ones are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MixedShape {
    /// One 1×1 convolution.
    pub branch1x1: Vec<ConvShape>,
    /// To a 5×5 convolution.
    pub branch5x5: Vec<ConvShape>,
    /// To a 3×3 convolution.
    pub branch3x3: Vec<ConvShape>,
    /// 7×7 as 1×7 and 7×1.
    pub branch7x7: Vec<ConvShape>,
    /// The same, then 3×3.
    pub branch7x7x3: Vec<ConvShape>,
    /// Two 3×3 convolutions.
    pub branch3x3dbl: Vec<ConvShape>,
    /// Twice 7×7.
    pub branch7x7dbl: Vec<ConvShape>,
    /// Channels of the 1×3 and of the 3×1 convolution at the end of both 3×3 branches.
    pub split: Option<usize>,
    /// Channels of a 1×1 convolution after an average pool; without it a max pool of stride 2.
    pub pool: Option<usize>,
}

const ONE: [usize; 2] = [1, 1];
const THREE: [usize; 2] = [3, 3];
const ROW: [usize; 2] = [1, 7];
const COLUMN: [usize; 2] = [7, 1];

impl MixedShape {
    /// At stride 8, with so many channels after the pool.
    #[must_use]
    pub fn a(pool: usize) -> Self {
        let same = ConvShape::same;
        Self {
            branch1x1: vec![same(ONE, 64)],
            branch5x5: vec![same(ONE, 48), same([5, 5], 64)],
            branch3x3dbl: vec![same(ONE, 64), same(THREE, 96), same(THREE, 96)],
            pool: Some(pool),
            ..Self::default()
        }
    }

    /// From stride 8 to 16.
    #[must_use]
    pub fn b() -> Self {
        Self {
            branch3x3: vec![ConvShape::valid(384, 2)],
            branch3x3dbl: vec![ConvShape::same(ONE, 64), ConvShape::same(THREE, 96), ConvShape::valid(96, 2)],
            ..Self::default()
        }
    }

    /// At stride 16, with so many channels inside the branches.
    #[must_use]
    pub fn c(inside: usize) -> Self {
        let same = ConvShape::same;
        Self {
            branch1x1: vec![same(ONE, 192)],
            branch7x7: vec![same(ONE, inside), same(ROW, inside), same(COLUMN, 192)],
            branch7x7dbl: vec![
                same(ONE, inside),
                same(COLUMN, inside),
                same(ROW, inside),
                same(COLUMN, inside),
                same(ROW, 192),
            ],
            pool: Some(192),
            ..Self::default()
        }
    }

    /// From stride 16 to 32.
    #[must_use]
    pub fn d() -> Self {
        let same = ConvShape::same;
        Self {
            branch3x3: vec![same(ONE, 192), ConvShape::valid(320, 2)],
            branch7x7x3: vec![same(ONE, 192), same(ROW, 192), same(COLUMN, 192), ConvShape::valid(192, 2)],
            ..Self::default()
        }
    }

    /// At stride 32.
    #[must_use]
    pub fn e() -> Self {
        let same = ConvShape::same;
        Self {
            branch1x1: vec![same(ONE, 320)],
            branch3x3: vec![same(ONE, 384)],
            branch3x3dbl: vec![same(ONE, 448), same(THREE, 384)],
            split: Some(384),
            pool: Some(192),
            ..Self::default()
        }
    }
}

/// Branches side by side.
#[derive(Module, Debug)]
pub struct Mixed {
    branch1x1: Option<Branch>,
    branch5x5: Option<Branch>,
    branch3x3: Option<Branch>,
    branch7x7: Option<Branch>,
    branch7x7x3: Option<Branch>,
    branch3x3dbl: Option<Branch>,
    branch7x7dbl: Option<Branch>,
    branch_pool: Option<ConvNormAct>,
    average_pool: AvgPool2d,
    max_pool: MaxPool2d,
}

impl Mixed {
    /// Returns the block with the channels that go out.
    pub(super) fn new(shape: &MixedShape, in_channels: usize, width: f64, device: &Device) -> (Self, usize) {
        let mut sum = 0;
        let mut branch = |convs: &[ConvShape], split| {
            (!convs.is_empty()).then(|| {
                let (branch, channels) = Branch::new(convs, split, in_channels, width, device);
                sum += channels;
                branch
            })
        };
        let branch1x1 = branch(&shape.branch1x1, None);
        let branch5x5 = branch(&shape.branch5x5, None);
        let branch3x3 = branch(&shape.branch3x3, shape.split);
        let branch7x7 = branch(&shape.branch7x7, None);
        let branch7x7x3 = branch(&shape.branch7x7x3, None);
        let branch3x3dbl = branch(&shape.branch3x3dbl, shape.split);
        let branch7x7dbl = branch(&shape.branch7x7dbl, None);
        let branch_pool = shape.pool.map(|channels| ConvShape::same(ONE, channels).init(in_channels, width, device));
        sum += branch_pool.as_ref().map_or(in_channels, |(_, channels)| *channels);
        let average_pool = AvgPool2dConfig::new([3, 3])
            .with_strides([1, 1])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)) // counted in the average, as torch does
            .init();
        let block = Self {
            branch1x1,
            branch5x5,
            branch3x3,
            branch7x7,
            branch7x7x3,
            branch3x3dbl,
            branch7x7dbl,
            branch_pool: branch_pool.map(|(conv, _)| conv),
            average_pool,
            max_pool: max_pool(3, 2, PoolEdge::Floor),
        };
        (block, sum)
    }

    /// # Shapes
    /// `[N, C, H, W]` → `[N, C', H', W']`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let branches = [
            &self.branch1x1,
            &self.branch5x5,
            &self.branch3x3,
            &self.branch7x7,
            &self.branch7x7x3,
            &self.branch3x3dbl,
            &self.branch7x7dbl,
        ];
        let mut maps: Vec<_> = branches.into_iter().flatten().map(|branch| branch.forward(input.clone())).collect();
        maps.push(match &self.branch_pool {
            Some(conv) => conv.forward(self.average_pool.forward(input)),
            None => self.max_pool.forward(input),
        });
        Tensor::cat(maps, 1)
    }
}
