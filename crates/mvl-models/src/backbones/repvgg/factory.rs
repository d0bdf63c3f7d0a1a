//! The factories of `repvgg_a0` … `repvgg_b3g4`: timm's nets, keys and all.

use burn::tensor::Device;
use mvl_core::{BoxedBackbone, KeyMap, ModelConfig, ModelError, ModelFactory, Registry};

use super::net::{KEY_MAP, RepVggConfig};
use crate::backbones::WidthOptions;
use crate::layers::widen;

/// Blocks in each stage of the small and of the large nets.
const A: [usize; 4] = [2, 4, 14, 1];
const B: [usize; 4] = [4, 6, 16, 1];
/// Depths, channels of the stem and of each stage, groups (tables 2 and 3 of the paper).
const NETS: [(&str, [usize; 4], [usize; 5], usize); 10] = [
    ("repvgg_a0", A, [48, 48, 96, 192, 1280], 1),
    ("repvgg_a1", A, [64, 64, 128, 256, 1280], 1),
    ("repvgg_a2", A, [64, 96, 192, 384, 1408], 1),
    ("repvgg_b0", B, [64, 64, 128, 256, 1280], 1),
    ("repvgg_b1", B, [64, 128, 256, 512, 2048], 1),
    ("repvgg_b1g4", B, [64, 128, 256, 512, 2048], 4),
    ("repvgg_b2", B, [64, 160, 320, 640, 2560], 1),
    ("repvgg_b2g4", B, [64, 160, 320, 640, 2560], 4),
    ("repvgg_b3", B, [64, 192, 384, 768, 2560], 1),
    ("repvgg_b3g4", B, [64, 192, 384, 768, 2560], 4),
];

/// Creates one of the nets.
#[derive(Debug, Clone)]
pub struct RepVggFactory {
    name: &'static str,
    config: RepVggConfig,
}

impl ModelFactory for RepVggFactory {
    fn name(&self) -> &str {
        self.name
    }

    fn family(&self) -> &str {
        "repvgg"
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        let width = WidthOptions::read(config, self.name)?;
        let net = self.config.clone().with_in_channels(config.in_channels);
        let channels = net.channels.map(|count| widen(count, width));
        Ok(BoxedBackbone::new(RepVggConfig { channels, ..net }.init(device)))
    }

    fn key_map(&self) -> KeyMap {
        KEY_MAP
    }
}

/// Adds the family.
pub(crate) fn register(registry: &mut Registry) {
    for (name, depths, channels, groups) in NETS {
        let config = RepVggConfig::new(depths, channels).with_groups(groups);
        registry.register_model(RepVggFactory { name, config });
    }
}
