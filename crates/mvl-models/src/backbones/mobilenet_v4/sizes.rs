//! The nets' blocks, by size (tables 11 to 13 of the paper, as timm has them).

/// One line of a net: what its blocks are, and their output channels.
#[derive(Debug, Clone, Copy)]
pub(super) enum Line {
    /// A convolution of this kernel and stride.
    Conv { kernel: usize, stride: usize, channels: usize },
    /// A fused inverted residual of kernel 3 and stride 2.
    Fused { expansion: usize, channels: usize },
    /// Universal bottlenecks: the two depthwise kernels, of which 0 is none, and the first one's stride.
    Universal { kernels: [usize; 2], stride: usize, expansion: usize, channels: usize, repeats: usize },
}

/// A net.
#[derive(Debug)]
pub(super) struct Size {
    pub(super) first: usize,
    /// One after the other at strides 4, 8, 16, 32, and the last convolution.
    pub(super) stages: [&'static [Line]; 5],
}

const fn conv(kernel: usize, stride: usize, channels: usize) -> Line {
    Line::Conv { kernel, stride, channels }
}

/// The first block of a stage.
const fn down(kernels: [usize; 2], expansion: usize, channels: usize) -> Line {
    Line::Universal { kernels, stride: 2, expansion, channels, repeats: 1 }
}

const fn keep(kernels: [usize; 2], expansion: usize, channels: usize, repeats: usize) -> Line {
    Line::Universal { kernels, stride: 1, expansion, channels, repeats }
}

const LAST: &[Line] = &[conv(1, 1, 960)];

pub(super) const SMALL: Size = Size {
    first: 32,
    stages: [
        &[conv(3, 2, 32), conv(1, 1, 32)],
        &[conv(3, 2, 96), conv(1, 1, 64)],
        &[down([5, 5], 3, 96), keep([0, 3], 2, 96, 4), keep([3, 0], 4, 96, 1)],
        &[
            down([3, 3], 6, 128),
            keep([5, 5], 4, 128, 1),
            keep([0, 5], 4, 128, 1),
            keep([0, 5], 3, 128, 1),
            keep([0, 3], 4, 128, 2),
        ],
        LAST,
    ],
};

pub(super) const MEDIUM: Size = Size {
    first: 32,
    stages: [
        &[Line::Fused { expansion: 4, channels: 48 }],
        &[down([3, 5], 4, 80), keep([3, 3], 2, 80, 1)],
        &[
            down([3, 5], 6, 160),
            keep([3, 3], 4, 160, 2),
            keep([3, 5], 4, 160, 1),
            keep([3, 3], 4, 160, 1),
            keep([3, 0], 4, 160, 1),
            keep([0, 0], 2, 160, 1),
            keep([3, 0], 4, 160, 1),
        ],
        &[
            down([5, 5], 6, 256),
            keep([5, 5], 4, 256, 1),
            keep([3, 5], 4, 256, 2),
            keep([0, 0], 4, 256, 1),
            keep([3, 0], 4, 256, 1),
            keep([3, 5], 2, 256, 1),
            keep([5, 5], 4, 256, 1),
            keep([0, 0], 4, 256, 2),
            keep([5, 0], 2, 256, 1),
        ],
        LAST,
    ],
};

pub(super) const LARGE: Size = Size {
    first: 24,
    stages: [
        &[Line::Fused { expansion: 4, channels: 48 }],
        &[down([3, 5], 4, 96), keep([3, 3], 4, 96, 1)],
        &[
            down([3, 5], 4, 192),
            keep([3, 3], 4, 192, 3),
            keep([3, 5], 4, 192, 1),
            keep([5, 3], 4, 192, 5),
            keep([3, 0], 4, 192, 1),
        ],
        &[
            down([5, 5], 4, 512),
            keep([5, 5], 4, 512, 3),
            keep([5, 0], 4, 512, 1),
            keep([5, 3], 4, 512, 1),
            keep([5, 0], 4, 512, 2),
            keep([5, 3], 4, 512, 1),
            keep([5, 5], 4, 512, 1),
            keep([5, 0], 4, 512, 3),
        ],
        LAST,
    ],
};
