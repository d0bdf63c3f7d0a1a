//! The factories of `mnasnet0_5`, `mnasnet0_75`, `mnasnet1_0` and `mnasnet1_3`: torchvision's nets, keys and all.

use burn::tensor::Device;
use mvl_core::{BoxedBackbone, HeadConfig, KeyMap, ModelConfig, ModelError, ModelFactory, Registry};
use serde::{Deserialize, Serialize};

use super::net::{KEY_MAP, MnasNetConfig};
use crate::layers::check_width;

/// The nets, and the factors on their channels.
const NETS: [(&str, f64); 4] = [("mnasnet0_5", 0.5), ("mnasnet0_75", 0.75), ("mnasnet1_0", 1.0), ("mnasnet1_3", 1.3)];
/// Share of the pooled features that is dropped in training.
const DROPOUT: f64 = 0.2;

/// Options of the family `mnasnet`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MnasNetOptions {
    /// Factor on the channel counts, in place of the one in the name; rounded by
    /// [`make_divisible`](crate::layers::make_divisible).
    pub width: Option<f64>,
}

/// Creates one of the nets.
#[derive(Debug, Clone)]
pub struct MnasNetFactory {
    name: &'static str,
    width: f64,
}

impl ModelFactory for MnasNetFactory {
    fn name(&self) -> &str {
        self.name
    }

    fn family(&self) -> &str {
        "mnasnet"
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        let options: MnasNetOptions = config.options.read(self.name)?;
        let width = options.width.unwrap_or(self.width);
        check_width(self.name, width)?;
        let net = MnasNetConfig::new(width).with_in_channels(config.in_channels);
        Ok(BoxedBackbone::new(net.init(device)))
    }

    fn head(&self) -> HeadConfig {
        HeadConfig::new("linear").with_option("dropout", DROPOUT)
    }

    fn key_map(&self) -> KeyMap {
        KEY_MAP
    }
}

/// Adds the family.
pub(crate) fn register(registry: &mut Registry) {
    for (name, width) in NETS {
        registry.register_model(MnasNetFactory { name, width });
    }
}
