//! The factories of `vgg11`, `vgg13`, `vgg16`, `vgg19` and their forms with batch normalisation, `vgg11_bn` …: torchvision's
//! nets, keys and all.

use burn::tensor::Device;
use mvl_core::{BoxedBackbone, HeadConfig, InputSides, KeyMap, ModelConfig, ModelError, ModelFactory, Registry};
use serde_json::json;

use crate::backbones::WidthOptions;
use crate::backbones::sequence::{Sequence, SequenceBuilder};
use crate::layers::{PoolEdge, widen};

/// Widths of the published classifier's hidden layers, and its share of dropout.
const HIDDEN: [usize; 2] = [4096, 4096];
const DROPOUT: f64 = 0.5;
/// Rows and columns that the last map is averaged to.
const GRID: usize = 7;
/// Channels of each stage; a pool ends it.
const CHANNELS: [usize; 5] = [64, 128, 256, 512, 512];
/// What five pools leave a cell of.
const MIN_SIDE: usize = 32;

/// Convolutions of each stage (table 1 of the paper).
const NETS: [(&str, [usize; 5], bool); 8] = [
    ("vgg11", [1, 1, 2, 2, 2], false),
    ("vgg11_bn", [1, 1, 2, 2, 2], true),
    ("vgg13", [2, 2, 2, 2, 2], false),
    ("vgg13_bn", [2, 2, 2, 2, 2], true),
    ("vgg16", [2, 2, 3, 3, 3], false),
    ("vgg16_bn", [2, 2, 3, 3, 3], true),
    ("vgg19", [2, 2, 4, 4, 4], false),
    ("vgg19_bn", [2, 2, 4, 4, 4], true),
];

const KEY_MAP: KeyMap = KeyMap(&[
    (r"^backbone\.features\.steps\.", "features."),
    (r"^head\.hidden\.0\.", "classifier.0."),
    (r"^head\.hidden\.1\.", "classifier.3."),
    (r"^head\.linear\.", "classifier.6."),
]);

/// Creates one of the nets.
#[derive(Debug, Clone)]
pub struct VggFactory {
    name: &'static str,
    depths: [usize; 5],
    norm: bool,
}

impl VggFactory {
    /// Taps: before each pool, at strides 1 to 16, and after the last.
    fn build(&self, in_channels: usize, width: f64, device: &Device) -> Sequence {
        let begin = SequenceBuilder::new(in_channels, device);
        let stages = self.depths.iter().zip(CHANNELS);
        let net = stages.fold(begin, |net, (&depth, channels)| {
            let convolutions = (0..depth).fold(net, |net, _| {
                let net = net.conv(widen(channels, width), 3, 1, 1);
                if self.norm { net.norm().relu() } else { net.relu() }
            });
            convolutions.tap().pool(2, PoolEdge::Floor)
        });
        net.tap().build(InputSides::at_least(MIN_SIDE))
    }
}

impl ModelFactory for VggFactory {
    fn name(&self) -> &str {
        self.name
    }

    fn family(&self) -> &str {
        "vgg"
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        let width = WidthOptions::read(config, self.name)?;
        Ok(BoxedBackbone::new(self.build(config.in_channels, width, device)))
    }

    fn head(&self) -> HeadConfig {
        HeadConfig::new("mlp")
            .with_option("pool", json!({ "grid": GRID }))
            .with_option("hidden", HIDDEN.to_vec())
            .with_option("dropout", DROPOUT)
    }

    fn key_map(&self) -> KeyMap {
        KEY_MAP
    }
}

/// Adds the family.
pub(crate) fn register(registry: &mut Registry) {
    for (name, depths, norm) in NETS {
        registry.register_model(VggFactory { name, depths, norm });
    }
}
