//! The net: nineteen steps, `[N, C, H, W]` → maps at strides 2 to 32.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use mvl_core::{Backbone, Features, KeyMap, Tap, TapSet};

use super::chain::ConvChain;
use crate::layers::{make_divisible, widen};

/// Expansion, output channels, repeats and first stride of each group of inverted residuals (table 2 of the paper).
const GROUPS: [(usize, usize, usize, usize); 7] =
    [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)];
const FIRST_CHANNELS: usize = 32;
const LAST_CHANNELS: usize = 1280;
/// The steps whose outputs are taps: the last of each stride, and the last of all.
const TAPPED: [usize; 5] = [1, 3, 6, 13, 18];

/// From the paths of a classifier with a [`MobileNetV2`] to torchvision's keys.
pub(super) const KEY_MAP: KeyMap = KeyMap(&[
    (r"^backbone\.", ""),
    // the first and the last step are a bare convolution and its normalisation
    (r"^features\.(0|18)\.layers\.0\.conv\.", "features.$1.0."),
    (r"^features\.(0|18)\.layers\.0\.norm\.", "features.$1.1."),
    // a block's activated convolutions are sequences, its last one is spread out: 1 in step 1, which does not expand, else 2
    (r"^features\.1\.layers\.1\.conv\.", "features.1.conv.1."),
    (r"^features\.1\.layers\.1\.norm\.", "features.1.conv.2."),
    (r"\.layers\.2\.conv\.", ".conv.2."),
    (r"\.layers\.2\.norm\.", ".conv.3."),
    (r"\.layers\.(\d)\.conv\.", ".conv.$1.0."),
    (r"\.layers\.(\d)\.norm\.", ".conv.$1.1."),
    (r"^head\.linear\.", "classifier.1."),
]);

/// The shape of a [`MobileNetV2`].
#[derive(Config, Debug)]
pub struct MobileNetV2Config {
    /// Channels of the picture.
    #[config(default = 3)]
    pub in_channels: usize,
    /// Factor on all channel counts but the last, which never shrinks; rounded to multiples of 8.
    #[config(default = 1.0)]
    pub width: f64,
    /// Stride of the first convolution, 2 as published; 1 for small pictures.
    #[config(default = 2)]
    pub first_stride: usize,
}

/// MobileNetV2 without its classifier.
///
/// Taps: `features.1`, `features.3`, `features.6`, `features.13`, `features.18`.
#[derive(Module, Debug)]
pub struct MobileNetV2 {
    features: Vec<ConvChain>,
    #[module(skip)]
    taps: Vec<Tap>,
}

impl MobileNetV2Config {
    /// Creates the net.
    pub fn init(&self, device: &Device) -> MobileNetV2 {
        let mut channels = widen(FIRST_CHANNELS, self.width);
        let mut stride = self.first_stride;
        let mut features = vec![ConvChain::single([self.in_channels, channels], 3, self.first_stride, device)];
        let mut taps = Vec::with_capacity(TAPPED.len());
        for (expansion, out_channels, repeats, first_stride) in GROUPS {
            let out_channels = widen(out_channels, self.width);
            for repeat in 0..repeats {
                let step = if repeat == 0 { first_stride } else { 1 };
                stride *= step;
                if TAPPED.contains(&features.len()) {
                    taps.push(Tap::map(format!("features.{}", features.len()), out_channels, stride));
                }
                features.push(ConvChain::inverted_residual([channels, out_channels], step, expansion, device));
                channels = out_channels;
            }
        }
        let last = make_divisible(LAST_CHANNELS as f64 * self.width.max(1.0), 8);
        taps.push(Tap::map(format!("features.{}", features.len()), last, stride));
        features.push(ConvChain::single([channels, last], 1, 1, device));
        MobileNetV2 { features, taps }
    }
}

impl Backbone for MobileNetV2 {
    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features {
        let mut features = Features::new();
        let Some(last) = keep.last() else { return features };
        let mut map = images;
        let mut begin = 0;
        for (tap, &end) in TAPPED.iter().enumerate().take(last + 1) {
            map = self.features[begin..=end].iter().fold(map, |map, step| step.forward(map));
            features.keep_map(keep, tap, &map);
            begin = end + 1;
        }
        features
    }
}
