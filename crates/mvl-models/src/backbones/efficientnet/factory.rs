//! The factories of the three families: torchvision's nets and timm's, keys and all.

use burn::tensor::Device;
use mvl_core::{BoxedBackbone, HeadConfig, KeyMap, ModelConfig, ModelError, ModelFactory, Registry};
use serde::{Deserialize, Serialize};

use super::names::{NAMES, Published};
use super::plan::Changes;
use crate::backbones::{Stem, StepNet};
use crate::layers::{check_drop_path, check_factor, check_width};

/// Options of the families `efficientnet`, `efficientnet_v2` and `efficientnet_lite`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EfficientNetOptions {
    /// `imagenet`: the first convolution has stride 2; `small`: 1.
    pub stem: Stem,
    /// Factor on the channel counts, rounded by [`make_divisible`](crate::layers::make_divisible).
    pub width: f64,
    /// Factor on the number of blocks in each stage, rounded up.
    pub depth: f64,
    /// Share of the samples for which training leaves out the last block's branch; earlier blocks' are left out less.
    pub drop_path: f64,
}

impl Default for EfficientNetOptions {
    fn default() -> Self {
        Self { stem: Stem::Imagenet, width: 1.0, depth: 1.0, drop_path: 0.2 }
    }
}

/// Creates one of the EfficientNets.
#[derive(Debug)]
pub struct EfficientNetFactory(&'static Published);

impl ModelFactory for EfficientNetFactory {
    fn name(&self) -> &str {
        self.0.name
    }

    fn family(&self) -> &str {
        self.0.recipe.family
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        let options: EfficientNetOptions = config.options.read(self.0.name)?;
        check_width(self.0.name, options.width)?;
        check_factor(self.0.name, "depth", options.depth)?;
        check_drop_path(self.0.name, options.drop_path)?;
        let plan = self.0.plan(&Changes {
            in_channels: config.in_channels,
            first_stride: options.stem.first_stride(),
            width: options.width,
            depth: options.depth,
            drop_path: options.drop_path,
        });
        let naming = self.0.recipe.naming;
        Ok(BoxedBackbone::new(StepNet::new(&plan, |step| naming.tap(step, plan.len()), device)))
    }

    fn input_side(&self) -> usize {
        self.0.side
    }

    fn head(&self) -> HeadConfig {
        HeadConfig::new("linear").with_option("dropout", self.0.dropout)
    }

    fn key_map(&self) -> KeyMap {
        self.0.recipe.naming.key_map()
    }

    fn other_key_maps(&self) -> &'static [KeyMap] {
        self.0.recipe.naming.other_key_maps()
    }
}

/// Adds the families.
pub(crate) fn register(registry: &mut Registry) {
    for published in NAMES {
        registry.register_model(EfficientNetFactory(published));
    }
}
