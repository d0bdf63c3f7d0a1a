//! The factory of `googlenet`: torchvision's net, keys and all.

use burn::tensor::Device;
use mvl_core::{BoxedBackbone, HeadConfig, KeyMap, ModelConfig, ModelError, ModelFactory, Registry};

use super::net::{GoogLeNetConfig, KEY_MAP, UNUSED};
use crate::backbones::WidthOptions;

const NAME: &str = "googlenet";
const DROPOUT: f64 = 0.2;

/// Creates GoogLeNet.
#[derive(Debug, Clone, Copy)]
pub struct GoogLeNetFactory;

impl ModelFactory for GoogLeNetFactory {
    fn name(&self) -> &str {
        NAME
    }

    fn family(&self) -> &str {
        NAME
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        let width = WidthOptions::read(config, NAME)?;
        let net = GoogLeNetConfig::new().with_in_channels(config.in_channels).with_width(width);
        Ok(BoxedBackbone::new(net.init(device)))
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
    registry.register_model(GoogLeNetFactory);
}
