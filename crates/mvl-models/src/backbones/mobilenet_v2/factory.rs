//! The factory of `mobilenet_v2`: torchvision's net, keys and all.

use burn::tensor::Device;
use mvl_core::{BoxedBackbone, KeyMap, ModelConfig, ModelError, ModelFactory, Registry};
use serde::{Deserialize, Serialize};

use super::net::{KEY_MAP, MobileNetV2Config};
use crate::backbones::Stem;
use crate::layers::check_width;

const NAME: &str = "mobilenet_v2";

/// Options of the family `mobilenet_v2`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MobileNetV2Options {
    /// `imagenet`: the first convolution has stride 2; `small`: 1.
    pub stem: Stem,
    /// Factor on the channel counts, rounded by [`make_divisible`](crate::layers::make_divisible) as torchvision's `width_mult`.
    pub width: f64,
}

impl Default for MobileNetV2Options {
    fn default() -> Self {
        Self { stem: Stem::Imagenet, width: 1.0 }
    }
}

/// Creates MobileNetV2.
#[derive(Debug, Clone, Copy)]
pub struct MobileNetV2Factory;

impl ModelFactory for MobileNetV2Factory {
    fn name(&self) -> &str {
        NAME
    }

    fn family(&self) -> &str {
        NAME
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        let options: MobileNetV2Options = config.options.read(NAME)?;
        check_width(NAME, options.width)?;
        let first_stride = match options.stem {
            Stem::Imagenet => 2,
            Stem::Small => 1,
        };
        let net = MobileNetV2Config::new()
            .with_in_channels(config.in_channels)
            .with_width(options.width)
            .with_first_stride(first_stride);
        Ok(BoxedBackbone::new(net.init(device)))
    }

    fn key_map(&self) -> KeyMap {
        KEY_MAP
    }
}

/// Adds the family.
pub(crate) fn register(registry: &mut Registry) {
    registry.register_model(MobileNetV2Factory);
}
