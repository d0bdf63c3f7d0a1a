//! The factories of the ImageNet nets: `resnet`, `resnext` and `wide_resnet` as torchvision has them, `resnetd` and `se_resnet` as
//! timm has them, keys and all.

use burn::tensor::Device;
use mvl_core::{BoxedBackbone, KeyMap, ModelConfig, ModelError, ModelFactory, Registry};
use serde::{Deserialize, Serialize};

use super::net::{DEEP_KEY_MAP, KEY_MAP, ResNetConfig};
use crate::backbones::Stem;
use crate::layers::{check_width, widen};

/// Those that timm publishes for pictures of 256 pixels, the others are for 224.
const LARGE: [&str; 3] = ["resnet101d", "resnet152d", "resnet200d"];

/// Options of the families `resnet`, `resnext`, `wide_resnet`, `resnetd` and `se_resnet`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResNetOptions {
    /// `imagenet`: 7×7 convolution of stride 2 and a max pool; `small`: 3×3 of stride 1, no pool. A deep stem keeps its three
    /// 3×3 convolutions.
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
    family: &'static str,
    input_side: usize,
    config: ResNetConfig,
}

impl ModelFactory for ResNetFactory {
    fn name(&self) -> &str {
        self.name
    }

    fn family(&self) -> &str {
        self.family
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

    fn input_side(&self) -> usize {
        self.input_side
    }

    fn key_map(&self) -> KeyMap {
        if self.config.deep_stem { DEEP_KEY_MAP } else { KEY_MAP }
    }
}

pub(super) fn register(registry: &mut Registry) {
    let of18 = ResNetConfig::resnet18;
    let of34 = ResNetConfig::resnet34;
    let of50 = ResNetConfig::resnet50;
    let of101 = ResNetConfig::resnet101;
    let of152 = ResNetConfig::resnet152;
    let deep = |config: ResNetConfig| config.with_deep_stem(true);
    let squeezed = |config: ResNetConfig| config.with_squeeze(true);
    let nets: [(&'static str, &'static str, ResNetConfig); 23] = [
        ("resnet18", "resnet", of18()),
        ("resnet34", "resnet", of34()),
        ("resnet50", "resnet", of50()),
        ("resnet101", "resnet", of101()),
        ("resnet152", "resnet", of152()),
        ("resnext50_32x4d", "resnext", of50().grouped(32, 4)),
        ("resnext101_32x8d", "resnext", of101().grouped(32, 8)),
        ("resnext101_64x4d", "resnext", of101().grouped(64, 4)),
        ("wide_resnet50_2", "wide_resnet", of50().with_width_per_group(128)),
        ("wide_resnet101_2", "wide_resnet", of101().with_width_per_group(128)),
        ("resnet18d", "resnetd", deep(of18())),
        ("resnet34d", "resnetd", deep(of34())),
        ("resnet50d", "resnetd", deep(of50())),
        ("resnet101d", "resnetd", deep(of101())),
        ("resnet152d", "resnetd", deep(of152())),
        ("resnet200d", "resnetd", deep(ResNetConfig::resnet200())),
        ("seresnet18", "se_resnet", squeezed(of18())),
        ("seresnet34", "se_resnet", squeezed(of34())),
        ("seresnet50", "se_resnet", squeezed(of50())),
        ("seresnet101", "se_resnet", squeezed(of101())),
        ("seresnet152", "se_resnet", squeezed(of152())),
        ("seresnext50_32x4d", "se_resnet", squeezed(of50().grouped(32, 4))),
        ("seresnext101_32x4d", "se_resnet", squeezed(of101().grouped(32, 4))),
    ];
    for (name, family, config) in nets {
        let input_side = if LARGE.contains(&name) { 256 } else { 224 };
        registry.register_model(ResNetFactory { name, family, input_side, config });
    }
}
