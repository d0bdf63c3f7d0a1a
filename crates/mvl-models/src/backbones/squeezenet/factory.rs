//! The factories of `squeezenet1_0` and `squeezenet1_1`: torchvision's nets, keys and all.

use burn::tensor::Device;
use mvl_core::{BoxedBackbone, HeadConfig, InputSides, KeyMap, ModelConfig, ModelError, ModelFactory, Registry};

use crate::backbones::WidthOptions;
use crate::backbones::sequence::{Sequence, SequenceBuilder};
use crate::layers::{PoolEdge, widen};

const FAMILY: &str = "squeezenet";
const DROPOUT: f64 = 0.5;

/// Channels inside and outside of each fire block, the outside ones twice: 1×1 and 3×3.
const FIRES: [(usize, usize); 8] =
    [(16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)];

const KEY_MAP: KeyMap = KeyMap(&[(r"^backbone\.features\.steps\.", "features."), (r"^head\.conv\.", "classifier.1.")]);

/// Creates one of the versions.
#[derive(Debug, Clone)]
pub struct SqueezeNetFactory {
    name: &'static str,
    version: Version,
}

/// What tells the versions apart.
#[derive(Debug, Clone, Copy)]
struct Version {
    first_channels: usize,
    first_kernel: usize,
    /// The fire blocks that a pool follows; the first convolution has one in both.
    pooled: [usize; 2],
    sides: InputSides,
}

/// Its first convolution loses three cells of a side that it is not padded for.
const VERSION_1_0: Version = Version {
    first_channels: 96,
    first_kernel: 7,
    pooled: [2, 6],
    sides: InputSides { min: 21, multiple_of: 1, margin: 3 },
};
/// Less than half the work: smaller kernels first, pools earlier.
const VERSION_1_1: Version = Version {
    first_channels: 64,
    first_kernel: 3,
    pooled: [1, 3],
    sides: InputSides { min: 17, multiple_of: 1, margin: 1 },
};

impl Version {
    /// Taps: before each pool, and the last block.
    fn build(self, in_channels: usize, width: f64, device: &Device) -> Sequence {
        let first = widen(self.first_channels, width);
        let begin = SequenceBuilder::new(in_channels, device).conv(first, self.first_kernel, 2, 0).relu().tap();
        let net = FIRES.iter().enumerate().fold(begin.pool(3, PoolEdge::Ceil), |net, (block, &(inside, outside))| {
            let net = net.fire(widen(inside, width), widen(outside, width));
            if self.pooled.contains(&block) { net.tap().pool(3, PoolEdge::Ceil) } else { net }
        });
        net.tap().build(self.sides)
    }
}

impl ModelFactory for SqueezeNetFactory {
    fn name(&self) -> &str {
        self.name
    }

    fn family(&self) -> &str {
        FAMILY
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        let width = WidthOptions::read(config, self.name)?;
        Ok(BoxedBackbone::new(self.version.build(config.in_channels, width, device)))
    }

    fn head(&self) -> HeadConfig {
        HeadConfig::new("conv").with_option("dropout", DROPOUT)
    }

    fn key_map(&self) -> KeyMap {
        KEY_MAP
    }
}

/// Adds the family.
pub(crate) fn register(registry: &mut Registry) {
    for (name, version) in [("squeezenet1_0", VERSION_1_0), ("squeezenet1_1", VERSION_1_1)] {
        registry.register_model(SqueezeNetFactory { name, version });
    }
}
