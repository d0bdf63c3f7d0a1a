//! The factory of `inception_v3`: torchvision's net, keys and all.

use burn::tensor::Device;
use mvl_core::{BoxedBackbone, HeadConfig, KeyMap, ModelConfig, ModelError, ModelFactory, Registry};

use super::net::{InceptionV3Config, KEY_MAP, UNUSED};
use crate::backbones::WidthOptions;

const NAME: &str = "inception_v3";
const DROPOUT: f64 = 0.5;
/// What it was published for, in pixels.
const SIDE: usize = 299;

/// Creates Inception v3.
#[derive(Debug, Clone, Copy)]
pub struct InceptionV3Factory;

impl ModelFactory for InceptionV3Factory {
    fn name(&self) -> &str {
        NAME
    }

    fn family(&self) -> &str {
        NAME
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        let width = WidthOptions::read(config, NAME)?;
        let net = InceptionV3Config::new().with_in_channels(config.in_channels).with_width(width);
        Ok(BoxedBackbone::new(net.init(device)))
    }

    fn input_side(&self) -> usize {
        SIDE
    }

    fn head(&self) -> HeadConfig {
        HeadConfig::new("linear").with_option("dropout", DROPOUT)
    }

    fn key_map(&self) -> KeyMap {
        KEY_MAP
    }

    fn unused_keys(&self) -> &'static [&'static str] {
        UNUSED
    }
}

/// Adds the family.
pub(crate) fn register(registry: &mut Registry) {
    registry.register_model(InceptionV3Factory);
}
