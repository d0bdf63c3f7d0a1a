//! The net: five convolutions, eleven mixed blocks. `[N, C, H, W]` → maps at strides 2 to 32, a few cells smaller than the
//! strides say, since not all convolutions are padded.

use burn::config::Config;
use burn::module::Module;
use burn::nn::pool::MaxPool2d;
use burn::tensor::{Device, Tensor};
use mvl_core::{Backbone, Features, InputSides, KeyMap, Tap, TapSet};

use super::branch::ConvShape;
use super::mixed::{Mixed, MixedShape};
use crate::layers::{ConvNormAct, PoolEdge, max_pool};

pub(super) const KEY_MAP: KeyMap = KeyMap(&[
    (r"^backbone\.", ""),
    (r"^stem\.0\.", "Conv2d_1a_3x3."),
    (r"^stem\.1\.", "Conv2d_2a_3x3."),
    (r"^stem\.2\.", "Conv2d_2b_3x3."),
    (r"^stem\.3\.", "Conv2d_3b_1x1."),
    (r"^stem\.4\.", "Conv2d_4a_3x3."),
    (r"^mixed_5\.0\.", "Mixed_5b."),
    (r"^mixed_5\.1\.", "Mixed_5c."),
    (r"^mixed_5\.2\.", "Mixed_5d."),
    (r"^mixed_(\d)\.0\.", "Mixed_${1}a."),
    (r"^mixed_(\d)\.1\.", "Mixed_${1}b."),
    (r"^mixed_(\d)\.2\.", "Mixed_${1}c."),
    (r"^mixed_(\d)\.3\.", "Mixed_${1}d."),
    (r"^mixed_(\d)\.4\.", "Mixed_${1}e."),
    // branches of one convolution are not numbered
    (r"\.branch1x1\.convs\.0\.", ".branch1x1."),
    (r"^Mixed_6a\.branch3x3\.convs\.0\.", "Mixed_6a.branch3x3."),
    (r"\.convs\.0\.", "_1."),
    (r"\.convs\.1\.", "_2."),
    (r"\.convs\.2\.", "_3."),
    (r"\.convs\.3\.", "_4."),
    (r"\.convs\.4\.", "_5."),
    (r"\.branch3x3\.split\.0\.", ".branch3x3_2a."),
    (r"\.branch3x3\.split\.1\.", ".branch3x3_2b."),
    (r"\.branch3x3dbl\.split\.0\.", ".branch3x3dbl_3a."),
    (r"\.branch3x3dbl\.split\.1\.", ".branch3x3dbl_3b."),
    (r"\.norm\.", ".bn."),
    (r"^head\.linear\.", "fc."),
]);
/// Of the classifier that torchvision trains with.
pub(super) const UNUSED: &[&str] = &[r"^AuxLogits\."];

/// The smallest side that leaves a cell.
const MIN_SIDE: usize = 75;
/// Cells that a map loses at stride 4, where it loses most.
const MARGIN: usize = 4;

const STEM: [ConvShape; 5] = [
    ConvShape::valid(32, 2),
    ConvShape::valid(32, 1),
    ConvShape::same([3, 3], 64),
    ConvShape::same([1, 1], 80),
    ConvShape::valid(192, 1),
];
/// How many of the stem's convolutions lie before the first pool.
const BEFORE_POOL: usize = 3;

/// The shape of an [`InceptionV3`].
#[derive(Config, Debug)]
pub struct InceptionV3Config {
    /// Channels of the picture.
    #[config(default = 3)]
    pub in_channels: usize,
    /// Factor on all channel counts, rounded to multiples of 8.
    #[config(default = 1.0)]
    pub width: f64,
}

/// Inception v3 without its classifiers.
///
/// Taps: `Conv2d_2b_3x3`, `Conv2d_4a_3x3`, `Mixed_5d`, `Mixed_6e`, `Mixed_7c`.
#[derive(Module, Debug)]
pub struct InceptionV3 {
    stem: Vec<ConvNormAct>,
    mixed_5: Vec<Mixed>,
    mixed_6: Vec<Mixed>,
    mixed_7: Vec<Mixed>,
    pool: MaxPool2d,
    #[module(skip)]
    taps: Vec<Tap>,
}

impl InceptionV3Config {
    /// Creates the net.
    pub fn init(&self, device: &Device) -> InceptionV3 {
        let mut channels = self.in_channels;
        let mut taps = Vec::with_capacity(5);
        let mut stem = Vec::with_capacity(STEM.len());
        for shape in STEM {
            let (conv, out) = shape.init(channels, self.width, device);
            channels = out;
            stem.push(conv);
            match stem.len() {
                BEFORE_POOL => taps.push(Tap::map("Conv2d_2b_3x3", channels, 2)),
                length if length == STEM.len() => taps.push(Tap::map("Conv2d_4a_3x3", channels, 4)),
                _ => {}
            }
        }
        let mut stage = |shapes: &[MixedShape], tap: &str, stride| {
            let block = |shape| {
                let (block, out) = Mixed::new(shape, channels, self.width, device);
                channels = out;
                block
            };
            let blocks = shapes.iter().map(block).collect();
            taps.push(Tap::map(tap, channels, stride));
            blocks
        };
        let mixed_5 = stage(&[MixedShape::a(32), MixedShape::a(64), MixedShape::a(64)], "Mixed_5d", 8);
        let sixth = [128, 160, 160, 192].map(MixedShape::c);
        let sixth: Vec<_> = std::iter::once(MixedShape::b()).chain(sixth).collect();
        let mixed_6 = stage(&sixth, "Mixed_6e", 16);
        let mixed_7 = stage(&[MixedShape::d(), MixedShape::e(), MixedShape::e()], "Mixed_7c", 32);
        InceptionV3 { stem, mixed_5, mixed_6, mixed_7, pool: max_pool(3, 2, PoolEdge::Floor), taps }
    }
}

impl Backbone for InceptionV3 {
    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn sides(&self) -> InputSides {
        InputSides::at_least(MIN_SIDE).with_margin(MARGIN)
    }

    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features {
        let mut features = Features::new();
        let Some(last) = keep.last() else { return features };
        let chain = |map, convs: &[ConvNormAct]| convs.iter().fold(map, |map, conv| conv.forward(map));
        let mut map = chain(images, &self.stem[..BEFORE_POOL]); // [N, C, H/2, W/2]
        features.keep_map(keep, 0, &map);
        if last >= 1 {
            map = chain(self.pool.forward(map), &self.stem[BEFORE_POOL..]); // [N, C, H/4, W/4]
            features.keep_map(keep, 1, &map);
        }
        for (tap, blocks) in (2..=last).zip([&self.mixed_5, &self.mixed_6, &self.mixed_7]) {
            if tap == 2 {
                map = self.pool.forward(map); // [N, C, H/8, W/8]
            }
            map = blocks.iter().fold(map, |map, block| block.forward(map));
            features.keep_map(keep, tap, &map);
        }
        features
    }
}
