//! The factory of `inception_v3`: torchvision's net, keys and all.

use burn::tensor::Device;
use mvl_core::{BoxedBackbone, HeadConfig, KeyMap, ModelConfig, ModelError, ModelFactory, Registry};
use serde::{Deserialize, Serialize};

use super::net::{InceptionV3Config, KEY_MAP, UNUSED};
use crate::layers::check_width;

const NAME: &str = "inception_v3";
const DROPOUT: f64 = 0.5;
/// What it was published for, in pixels.
const SIDE: usize = 299;

/// Options of the family `inception_v3`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InceptionV3Options {
    /// Factor on all channel counts, rounded by [`make_divisible`](crate::layers::make_divisible).
    pub width: f64,
}

impl Default for InceptionV3Options {
    fn default() -> Self {
        Self { width: 1.0 }
    }
}

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
        let options: InceptionV3Options = config.options.read(NAME)?;
        check_width(NAME, options.width)?;
        let net = InceptionV3Config::new().with_in_channels(config.in_channels).with_width(options.width);
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
