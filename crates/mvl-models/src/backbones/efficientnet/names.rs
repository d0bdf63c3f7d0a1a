//! The nets by name.

use super::plan::{LITE, Recipe, V1, V2_L, V2_M, V2_S};
use crate::layers::Padding;

/// What a name stands for.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) name: &'static str,
    pub(super) recipe: &'static Recipe,
    /// Factors on channels and repeats.
    pub(super) width: f64,
    pub(super) depth: f64,
    /// Side of the pictures it was published for, in pixels.
    pub(super) side: usize,
    /// Share of the pooled features that is dropped in training.
    pub(super) dropout: f64,
    /// Added to the variance in normalisations, and the newest batch's share in running statistics.
    pub(super) norm: [f64; 2],
    pub(super) padding: Padding,
}

/// PyTorch's and TensorFlow's usual normalisations; EfficientNetV2 has TensorFlow's epsilon and PyTorch's momentum, as have timm's
/// ports of TensorFlow's nets.
const TORCH: [f64; 2] = [1e-5, 0.1];
const TENSORFLOW: [f64; 2] = [1e-3, 0.01];
const MIXED: [f64; 2] = [1e-3, 0.1];

type Scaling = (f64, f64, usize, f64);

const fn row(
    name: &'static str,
    recipe: &'static Recipe,
    (width, depth, side, dropout): Scaling,
    norm: [f64; 2],
    padding: Padding,
) -> Published {
    Published { name, recipe, width, depth, side, dropout, norm, padding }
}

const fn plain(name: &'static str, recipe: &'static Recipe, scaling: Scaling, norm: [f64; 2]) -> Published {
    row(name, recipe, scaling, norm, Padding::Same)
}

const fn ported(name: &'static str, scaling: Scaling) -> Published {
    row(name, &LITE, scaling, MIXED, Padding::TensorFlow)
}

const LITE_SCALINGS: [Scaling; 5] =
    [(1.0, 1.0, 224, 0.2), (1.0, 1.1, 240, 0.2), (1.1, 1.2, 260, 0.3), (1.2, 1.4, 300, 0.3), (1.4, 1.8, 380, 0.3)];

/// Every net.
pub(super) const NAMES: &[Published] = &[
    plain("efficientnet_b0", &V1, (1.0, 1.0, 224, 0.2), TORCH),
    plain("efficientnet_b1", &V1, (1.0, 1.1, 240, 0.2), TORCH),
    plain("efficientnet_b2", &V1, (1.1, 1.2, 288, 0.3), TORCH),
    plain("efficientnet_b3", &V1, (1.2, 1.4, 300, 0.3), TORCH),
    plain("efficientnet_b4", &V1, (1.4, 1.8, 380, 0.4), TORCH),
    plain("efficientnet_b5", &V1, (1.6, 2.2, 456, 0.4), TENSORFLOW),
    plain("efficientnet_b6", &V1, (1.8, 2.6, 528, 0.5), TENSORFLOW),
    plain("efficientnet_b7", &V1, (2.0, 3.1, 600, 0.5), TENSORFLOW),
    plain("efficientnet_v2_s", &V2_S, (1.0, 1.0, 384, 0.2), MIXED),
    plain("efficientnet_v2_m", &V2_M, (1.0, 1.0, 480, 0.3), MIXED),
    plain("efficientnet_v2_l", &V2_L, (1.0, 1.0, 480, 0.4), MIXED),
    plain("efficientnet_lite0", &LITE, LITE_SCALINGS[0], TORCH),
    plain("efficientnet_lite1", &LITE, LITE_SCALINGS[1], TORCH),
    plain("efficientnet_lite2", &LITE, LITE_SCALINGS[2], TORCH),
    plain("efficientnet_lite3", &LITE, LITE_SCALINGS[3], TORCH),
    plain("efficientnet_lite4", &LITE, LITE_SCALINGS[4], TORCH),
    ported("tf_efficientnet_lite0", LITE_SCALINGS[0]),
    ported("tf_efficientnet_lite1", LITE_SCALINGS[1]),
    ported("tf_efficientnet_lite2", LITE_SCALINGS[2]),
    ported("tf_efficientnet_lite3", LITE_SCALINGS[3]),
    ported("tf_efficientnet_lite4", LITE_SCALINGS[4]),
];
