//! The factories of `mobilenet_v3_large` and `mobilenet_v3_small`: torchvision's nets, keys and all.

use burn::tensor::Device;
use mvl_core::{BoxedBackbone, HeadConfig, KeyMap, ModelConfig, ModelError, ModelFactory, Registry};
use serde::{Deserialize, Serialize};

use super::plan::{KEY_MAP, LARGE, SMALL, plan};
use crate::backbones::{Stem, StepNet};
use crate::layers::check_width;

/// Share of the hidden features that is dropped in training.
const DROPOUT: f64 = 0.2;

/// Options of the family `mobilenet_v3`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MobileNetV3Options {
    /// `imagenet`: the first convolution has stride 2; `small`: 1.
    pub stem: Stem,
    /// Factor on the channel counts, rounded by [`make_divisible`](crate::layers::make_divisible) as torchvision's `width_mult`.
    pub width: f64,
}

impl Default for MobileNetV3Options {
    fn default() -> Self {
        Self { stem: Stem::Imagenet, width: 1.0 }
    }
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    Large,
    Small,
}

/// Creates MobileNetV3.
#[derive(Debug, Clone, Copy)]
pub struct MobileNetV3Factory(Size);

impl ModelFactory for MobileNetV3Factory {
    fn name(&self) -> &str {
        match self.0 {
            Size::Large => "mobilenet_v3_large",
            Size::Small => "mobilenet_v3_small",
        }
    }

    fn family(&self) -> &str {
        "mobilenet_v3"
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        let options: MobileNetV3Options = config.options.read(self.name())?;
        check_width(self.name(), options.width)?;
        let blocks = match self.0 {
            Size::Large => LARGE,
            Size::Small => SMALL,
        };
        let plan = plan(blocks, config.in_channels, options.stem.first_stride(), options.width);
        Ok(BoxedBackbone::new(StepNet::new(&plan, |step| format!("features.{step}"), device)))
    }

    fn head(&self) -> HeadConfig {
        let hidden = match self.0 {
            Size::Large => 1280,
            Size::Small => 1024,
        };
        HeadConfig::new("mlp")
            .with_option("hidden", vec![hidden])
            .with_option("activation", "hard_swish")
            .with_option("dropout", DROPOUT)
    }

    fn key_map(&self) -> KeyMap {
        KEY_MAP
    }
}

/// Adds the family.
pub(crate) fn register(registry: &mut Registry) {
    for size in [Size::Large, Size::Small] {
        registry.register_model(MobileNetV3Factory(size));
    }
}
