//! The factories of `resnet18`, `resnet34`, `resnet50`, `resnet101` and `resnet152`: torchvision's nets, keys and all.

use burn::tensor::Device;
use mvl_core::{BoxedBackbone, KeyMap, ModelConfig, ModelError, ModelFactory, Registry};
use serde::{Deserialize, Serialize};

use super::net::{KEY_MAP, ResNetConfig};
use crate::backbones::Stem;
use crate::layers::{check_width, widen};

/// Options of the family `resnet`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResNetOptions {
    /// `imagenet`: 7×7 convolution of stride 2 and a max pool; `small`: 3×3 of stride 1, no pool.
    pub stem: Stem,
    /// Factor on the base channel count 64; the product is rounded to a multiple of 8 by
    /// [`make_divisible`](crate::layers::make_divisible), later stages double it.
    pub width: f64,
    /// Start the last normalisation of each block at zero.
    pub zero_init_residual: bool,
}

impl Default for ResNetOptions {
    fn default() -> Self {
        Self { stem: Stem::Imagenet, width: 1.0, zero_init_residual: false }
    }
}

/// Creates one of the ImageNet nets.
#[derive(Debug, Clone)]
pub struct ResNetFactory {
    name: &'static str,
    config: ResNetConfig,
}

impl ModelFactory for ResNetFactory {
    fn name(&self) -> &str {
        self.name
    }

    fn family(&self) -> &str {
        "resnet"
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        let options: ResNetOptions = config.options.read(self.name)?;
        check_width(self.name, options.width)?;
        let net = self.config.clone().with_in_channels(config.in_channels);
        let net = ResNetConfig { channels: widen(net.channels, options.width), ..net }
            .with_large_stem(options.stem == Stem::Imagenet)
            .with_zero_init_residual(options.zero_init_residual);
        Ok(BoxedBackbone::new(net.init(device)))
    }

    fn key_map(&self) -> KeyMap {
        KEY_MAP
    }
}

pub(super) fn register(registry: &mut Registry) {
    let nets: [(&'static str, ResNetConfig); 5] = [
        ("resnet18", ResNetConfig::resnet18()),
        ("resnet34", ResNetConfig::resnet34()),
        ("resnet50", ResNetConfig::resnet50()),
        ("resnet101", ResNetConfig::resnet101()),
        ("resnet152", ResNetConfig::resnet152()),
    ];
    for (name, config) in nets {
        registry.register_model(ResNetFactory { name, config });
    }
}
