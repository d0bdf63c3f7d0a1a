//! The factories of `resnet8` … `resnet56`: the paper's nets for 32-pixel pictures (section 4.2), three stages of 16, 32 and 64
//! channels. Shortcuts are 1×1 convolutions (option B), not zero padding. `resnet8` and `resnet14` are the same recipe with one
//! and two blocks a stage, for quick work.

use burn::tensor::Device;
use mvl_core::{BoxedBackbone, KeyMap, ModelConfig, ModelError, ModelFactory, Registry};
use serde::{Deserialize, Serialize};

use super::net::{KEY_MAP, ResNetConfig};
use crate::layers::{check_width, widen};

/// Options of the family `resnet_cifar`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResNetCifarOptions {
    /// Factor on the base channel count 16; the product is rounded to a multiple of 8 by
    /// [`make_divisible`](crate::layers::make_divisible), later stages double it.
    pub width: f64,
    /// Stride of the first convolution, 1 as published or 2: halving the picture there makes the net three to four times faster.
    pub stem_stride: usize,
    /// Start the last normalisation of each block at zero.
    pub zero_init_residual: bool,
}

impl Default for ResNetCifarOptions {
    fn default() -> Self {
        Self { width: 1.0, stem_stride: 1, zero_init_residual: false }
    }
}

/// Creates one of the CIFAR nets.
#[derive(Debug, Clone)]
pub struct ResNetCifarFactory {
    name: &'static str,
    blocks: usize,
}

impl ModelFactory for ResNetCifarFactory {
    fn name(&self) -> &str {
        self.name
    }

    fn family(&self) -> &str {
        "resnet_cifar"
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        let options: ResNetCifarOptions = config.options.read(self.name)?;
        check_width(self.name, options.width)?;
        if !(1..=2).contains(&options.stem_stride) {
            let what = format!("stem_stride: expected 1 or 2, got {}", options.stem_stride);
            return Err(ModelError::InvalidOptions { owner: self.name.to_owned(), what });
        }
        let net = ResNetConfig::cifar(self.blocks).with_in_channels(config.in_channels);
        let net = ResNetConfig { channels: widen(net.channels, options.width), ..net }
            .with_stem_stride(options.stem_stride)
            .with_zero_init_residual(options.zero_init_residual);
        Ok(BoxedBackbone::new(net.init(device)))
    }

    fn key_map(&self) -> KeyMap {
        KEY_MAP
    }
}

pub(super) fn register(registry: &mut Registry) {
    let nets = [("resnet8", 1), ("resnet14", 2), ("resnet20", 3), ("resnet32", 5), ("resnet44", 7), ("resnet56", 9)];
    for (name, blocks) in nets {
        registry.register_model(ResNetCifarFactory { name, blocks });
    }
}
