//! The factories of `mobilenetv4_conv_small`, `…_small_050`, `…_medium` and `…_large`: timm's nets, keys and all.

use burn::tensor::Device;
use mvl_core::{BoxedBackbone, HeadConfig, KeyMap, ModelConfig, ModelError, ModelFactory, Registry};
use serde::{Deserialize, Serialize};

use super::net::{Changes, KEY_MAP, MobileNetV4};
use super::sizes::{LARGE, MEDIUM, SMALL, Size};
use crate::backbones::Stem;
use crate::layers::{check_drop_path, check_width};

/// Features after the head's hidden layer.
const HIDDEN: usize = 1280;

/// Options of the family `mobilenet_v4`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MobileNetV4Options {
    /// `imagenet`: the first convolution has stride 2; `small`: 1.
    pub stem: Stem,
    /// Factor on the channel counts, rounded by [`make_divisible`](crate::layers::make_divisible); the first convolution never
    /// shrinks.
    pub width: f64,
    /// Share of the samples for which training leaves out the last block's branch; earlier blocks' are left out less.
    pub drop_path: f64,
}

impl Default for MobileNetV4Options {
    fn default() -> Self {
        Self { stem: Stem::Imagenet, width: 1.0, drop_path: 0.0 }
    }
}

/// Creates one of the convolutional MobileNetV4s.
#[derive(Debug, Clone)]
pub struct MobileNetV4Factory {
    name: &'static str,
    size: &'static Size,
    width: f64,
    side: usize,
}

impl ModelFactory for MobileNetV4Factory {
    fn name(&self) -> &str {
        self.name
    }

    fn family(&self) -> &str {
        "mobilenet_v4"
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        let options: MobileNetV4Options = config.options.read(self.name)?;
        check_width(self.name, options.width)?;
        check_drop_path(self.name, options.drop_path)?;
        let changes = Changes {
            in_channels: config.in_channels,
            first_stride: options.stem.first_stride(),
            width: self.width * options.width,
            drop_path: options.drop_path,
        };
        Ok(BoxedBackbone::new(MobileNetV4::new(self.size, &changes, device)))
    }

    fn input_side(&self) -> usize {
        self.side
    }

    fn head(&self) -> HeadConfig {
        HeadConfig::new("conv_mlp").with_option("hidden", HIDDEN)
    }

    fn key_map(&self) -> KeyMap {
        KEY_MAP
    }
}

/// Adds the family.
pub(crate) fn register(registry: &mut Registry) {
    let nets: [(&'static str, &'static Size, f64, usize); 4] = [
        ("mobilenetv4_conv_small", &SMALL, 1.0, 224),
        ("mobilenetv4_conv_small_050", &SMALL, 0.5, 224),
        ("mobilenetv4_conv_medium", &MEDIUM, 1.0, 256),
        ("mobilenetv4_conv_large", &LARGE, 1.0, 384),
    ];
    for (name, size, width, side) in nets {
        registry.register_model(MobileNetV4Factory { name, size, width, side });
    }
}
