//! The factory of `googlenet`: torchvision's net, keys and all.

use burn::tensor::Device;
use mvl_core::{BoxedBackbone, HeadConfig, KeyMap, ModelConfig, ModelError, ModelFactory, Registry};
use serde::{Deserialize, Serialize};

use super::net::{GoogLeNetConfig, KEY_MAP, UNUSED};
use crate::layers::check_width;

const NAME: &str = "googlenet";
const DROPOUT: f64 = 0.2;

/// Options of the family `googlenet`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GoogLeNetOptions {
    /// Factor on all channel counts, rounded by [`make_divisible`](crate::layers::make_divisible).
    pub width: f64,
}

impl Default for GoogLeNetOptions {
    fn default() -> Self {
        Self { width: 1.0 }
    }
}

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
        let options: GoogLeNetOptions = config.options.read(NAME)?;
        check_width(NAME, options.width)?;
        let net = GoogLeNetConfig::new().with_in_channels(config.in_channels).with_width(options.width);
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
