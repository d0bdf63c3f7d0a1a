//! The factories of `densenet121`, `densenet161`, `densenet169` and `densenet201`: torchvision's nets, keys and all.

use burn::tensor::Device;
use mvl_core::{BoxedBackbone, KeyMap, ModelConfig, ModelError, ModelFactory, Registry};
use serde::{Deserialize, Serialize};

use super::net::{DenseNetConfig, KEY_MAP, OLDER_KEYS};
use crate::layers::{check_width, widen};

/// The most layers of a block, so that a config cannot ask for all of memory.
const MAX_DEPTH: usize = 78;

/// Options of the family `densenet`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DenseNetOptions {
    /// Factor on the channels that each layer adds, rounded by [`make_divisible`](crate::layers::make_divisible).
    pub width: f64,
    /// Layers of each block, unless as published.
    pub depths: Option<[usize; 4]>,
    /// Share of what each layer adds that is dropped in training.
    pub dropout: f64,
}

impl Default for DenseNetOptions {
    fn default() -> Self {
        Self { width: 1.0, depths: None, dropout: 0.0 }
    }
}

/// Creates one of the nets.
#[derive(Debug, Clone)]
pub struct DenseNetFactory {
    name: &'static str,
    config: DenseNetConfig,
}

impl ModelFactory for DenseNetFactory {
    fn name(&self) -> &str {
        self.name
    }

    fn family(&self) -> &str {
        "densenet"
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        let DenseNetOptions { width, depths, dropout } = config.options.read(self.name)?;
        check_width(self.name, width)?;
        let invalid = |what| ModelError::InvalidOptions { owner: self.name.to_owned(), what };
        let depths = depths.unwrap_or(self.config.depths);
        if let Some(depth) = depths.into_iter().find(|depth| !(1..=MAX_DEPTH).contains(depth)) {
            return Err(invalid(format!("depths: expected 1 to {MAX_DEPTH} layers in each block, got {depth}")));
        }
        if !(0.0..1.0).contains(&dropout) {
            return Err(invalid(format!("dropout: expected a number from 0 to below 1, got {dropout}")));
        }
        let net = DenseNetConfig { depths, growth: widen(self.config.growth, width), ..self.config.clone() }
            .with_in_channels(config.in_channels)
            .with_dropout(dropout);
        Ok(BoxedBackbone::new(net.init(device)))
    }

    fn key_map(&self) -> KeyMap {
        KEY_MAP
    }

    fn other_key_maps(&self) -> &'static [KeyMap] {
        OLDER_KEYS
    }
}

/// Adds the family.
pub(crate) fn register(registry: &mut Registry) {
    let nets: [(&'static str, DenseNetConfig); 4] = [
        ("densenet121", DenseNetConfig::densenet121()),
        ("densenet161", DenseNetConfig::densenet161()),
        ("densenet169", DenseNetConfig::densenet169()),
        ("densenet201", DenseNetConfig::densenet201()),
    ];
    for (name, config) in nets {
        registry.register_model(DenseNetFactory { name, config });
    }
}
