//! The net: three convolutions, six stacks of inverted residuals, a last 1×1 convolution. `[N, C, H, W]` → maps at strides 2 to 32.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use mvl_core::{Backbone, Features, KeyMap, Tap, TapSet};

use super::block::{MnasBlock, MnasBlockConfig, conv};
use crate::layers::{Activation, ConvNormAct, widen};

/// Channels of the first two convolutions, and of the third.
const STEM_CHANNELS: [usize; 2] = [32, 16];
/// Output channels, kernel, first stride, expansion and blocks of each stack (figure 7 of the paper).
const STACKS: [(usize, usize, usize, usize, usize); 6] =
    [(24, 3, 2, 3, 3), (40, 5, 2, 3, 3), (80, 5, 2, 6, 3), (96, 3, 1, 6, 2), (192, 5, 2, 6, 4), (320, 3, 1, 6, 1)];
const LAST_CHANNELS: usize = 1280;
/// torchvision's number of the first stack, of the stem's last normalisation and of the last activation, in one sequence.
const FIRST_STACK: usize = 8;
const STEM_END: &str = "layers.7";
const LAST: &str = "layers.16";
/// The stacks whose outputs are taps: the last of each stride but the largest, whose last is the net's own.
const TAPPED: [usize; 3] = [0, 1, 3];

/// From the paths of a classifier with a [`MnasNet`] to torchvision's keys.
pub(super) const KEY_MAP: KeyMap = KeyMap(&[
    (r"^backbone\.", ""),
    (r"^stem\.", "layers."),
    (r"^last\.conv\.", "layers.14."),
    (r"^last\.norm\.", "layers.15."),
    // an activation follows all but the third convolution, of the stem as of a block
    (r"\blayers\.0\.conv\.", "layers.0."),
    (r"\blayers\.0\.norm\.", "layers.1."),
    (r"\blayers\.1\.conv\.", "layers.3."),
    (r"\blayers\.1\.norm\.", "layers.4."),
    (r"\blayers\.2\.conv\.", "layers.6."),
    (r"\blayers\.2\.norm\.", "layers.7."),
    (r"^stacks\.0\.", "layers.8."),
    (r"^stacks\.1\.", "layers.9."),
    (r"^stacks\.2\.", "layers.10."),
    (r"^stacks\.3\.", "layers.11."),
    (r"^stacks\.4\.", "layers.12."),
    (r"^stacks\.5\.", "layers.13."),
    (r"^head\.linear\.", "classifier.1."),
]);

/// The shape of a [`MnasNet`].
#[derive(Config, Debug)]
pub struct MnasNetConfig {
    /// Factor on all channel counts but the last; rounded to multiples of 8.
    pub width: f64,
    /// Channels of the picture.
    #[config(default = 3)]
    pub in_channels: usize,
}

/// MNASNet without its classifier.
///
/// Taps: `layers.7`, `layers.8`, `layers.9`, `layers.11`, `layers.16`.
#[derive(Module, Debug)]
pub struct MnasNet {
    stem: Vec<ConvNormAct>,
    stacks: Vec<Vec<MnasBlock>>,
    last: ConvNormAct,
    #[module(skip)]
    taps: Vec<Tap>,
}

impl MnasNetConfig {
    /// Creates the net.
    pub fn init(&self, device: &Device) -> MnasNet {
        let [first, mut channels] = STEM_CHANNELS.map(|count| widen(count, self.width));
        let stem = [
            conv([self.in_channels, first], 3).with_stride(2),
            conv([first, first], 3).with_groups(first),
            conv([first, channels], 1).with_activation(Activation::Identity),
        ];
        let mut stride = 2;
        let mut taps = vec![Tap::map(STEM_END, channels, stride)];
        let stacks = STACKS.iter().enumerate().map(|(index, &(output, kernel, first_stride, expansion, depth))| {
            let output = widen(output, self.width);
            let blocks = (0..depth).map(|block| {
                let stride = if block == 0 { first_stride } else { 1 };
                let config = MnasBlockConfig { channels: [channels, output], kernel, stride, expansion };
                channels = output;
                config.init(device)
            });
            let blocks = blocks.collect();
            stride *= first_stride;
            if TAPPED.contains(&index) {
                taps.push(Tap::map(format!("layers.{}", FIRST_STACK + index), output, stride));
            }
            blocks
        });
        let stacks = stacks.collect();
        taps.push(Tap::map(LAST, LAST_CHANNELS, stride));
        MnasNet {
            stem: stem.map(|config| config.init(device)).into(),
            stacks,
            last: conv([channels, LAST_CHANNELS], 1).init(device),
            taps,
        }
    }
}

impl Backbone for MnasNet {
    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features {
        let mut features = Features::new();
        let Some(last) = keep.last() else { return features };
        let mut map = self.stem.iter().fold(images, |map, conv| conv.forward(map)); // [N, C, H/2, W/2]
        features.keep_map(keep, 0, &map);
        let mut tap = 1;
        for (index, blocks) in self.stacks.iter().enumerate() {
            if tap > last {
                return features;
            }
            map = blocks.iter().fold(map, |map, block| block.forward(map));
            if TAPPED.contains(&index) {
                features.keep_map(keep, tap, &map);
                tap += 1;
            }
        }
        if tap <= last {
            features.keep_map(keep, tap, &self.last.forward(map));
        }
        features
    }
}
