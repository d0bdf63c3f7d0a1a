//! The options of families that offer a width alone.

use mvl_core::{ModelConfig, ModelError};
use serde::{Deserialize, Serialize};

use crate::layers::check_width;

/// Options of families whose nets are published at one width each: AlexNet, VGG, SqueezeNet, GoogLeNet, Inception v3, RegNet, RepVGG.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WidthOptions {
    /// Factor on all channel counts, rounded by [`make_divisible`](crate::layers::make_divisible).
    pub width: f64,
}

impl Default for WidthOptions {
    fn default() -> Self {
        Self { width: 1.0 }
    }
}

impl WidthOptions {
    /// The width that a config of this model asks for.
    pub(crate) fn read(config: &ModelConfig, model: &str) -> Result<f64, ModelError> {
        let Self { width } = config.options.read(model)?;
        check_width(model, width)?;
        Ok(width)
    }
}
