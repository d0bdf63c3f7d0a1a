//! The factories of both versions: torchvision's nets and timm's, keys and all.

use burn::tensor::Device;
use mvl_core::{BoxedBackbone, HeadConfig, KeyMap, ModelConfig, ModelError, ModelFactory, Registry};
use serde::{Deserialize, Serialize};

use super::net::{ConvNeXtConfig, EPSILON};
use super::pointwise::PointwiseKind;
use crate::layers::{check_drop_path, check_width, widen};

/// Where version 1's factors begin.
const LAYER_SCALE: f64 = 1e-6;

/// To torchvision's keys: what divides two stages has a number of its own.
const KEY_MAP_V1: KeyMap = KeyMap(&[
    (r"^backbone\.", ""),
    (r"^stem\.conv\.", "features.0.0."),
    (r"^stem\.norm\.norm\.", "features.0.1."),
    (r"\bdownsample\.norm\.norm\.", "downsample.0."),
    (r"\bdownsample\.conv\.", "downsample.1."),
    (r"^stages\.0\.blocks\.", "features.1."),
    (r"^stages\.1\.downsample\.", "features.2."),
    (r"^stages\.1\.blocks\.", "features.3."),
    (r"^stages\.2\.downsample\.", "features.4."),
    (r"^stages\.2\.blocks\.", "features.5."),
    (r"^stages\.3\.downsample\.", "features.6."),
    (r"^stages\.3\.blocks\.", "features.7."),
    (r"\.conv_dw\.", ".block.0."),
    (r"^(features\.\d\.\d+)\.norm\.", "$1.block.2."),
    (r"\.fc1\.", ".block.3."),
    (r"\.fc2\.", ".block.5."),
    (r"^head\.norm\.", "classifier.0."),
    (r"^head\.linear\.", "classifier.2."),
]);

/// To timm's keys.
const KEY_MAP_V2: KeyMap = KeyMap(&[
    (r"^backbone\.", ""),
    (r"^stem\.conv\.", "stem.0."),
    (r"^stem\.norm\.norm\.", "stem.1."),
    (r"\bdownsample\.norm\.norm\.", "downsample.0."),
    (r"\bdownsample\.conv\.", "downsample.1."),
    (r"\.(fc1|grn|fc2)\.", ".mlp.$1."),
    (r"\bgrn\.gamma$", "grn.weight"),
    (r"\bgrn\.beta$", "grn.bias"),
    (r"^head\.linear\.", "head.fc."),
]);

/// Options of the families `convnext` and `convnext_v2`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConvNeXtOptions {
    /// Factor on the first stage's channels; the product is rounded to a multiple of 8 by
    /// [`make_divisible`](crate::layers::make_divisible), later stages double it.
    pub width: f64,
    /// Share of the samples that leave the last block's branch out in training; as the reference has it when left out.
    pub drop_path: Option<f64>,
}

impl Default for ConvNeXtOptions {
    fn default() -> Self {
        Self { width: 1.0, drop_path: None }
    }
}

/// Creates one of the nets.
#[derive(Debug, Clone)]
pub struct ConvNeXtFactory {
    name: &'static str,
    family: &'static str,
    key_map: KeyMap,
    config: ConvNeXtConfig,
}

impl ModelFactory for ConvNeXtFactory {
    fn name(&self) -> &str {
        self.name
    }

    fn family(&self) -> &str {
        self.family
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        let options: ConvNeXtOptions = config.options.read(self.name)?;
        check_width(self.name, options.width)?;
        let drop_path = options.drop_path.unwrap_or(self.config.drop_path);
        check_drop_path(self.name, drop_path)?;
        let net = self.config.clone().with_in_channels(config.in_channels).with_drop_path(drop_path);
        let net = ConvNeXtConfig { channels: widen(net.channels, options.width), ..net };
        Ok(BoxedBackbone::new(net.init(device)))
    }

    fn head(&self) -> HeadConfig {
        HeadConfig::new("linear").with_option("norm", EPSILON)
    }

    fn key_map(&self) -> KeyMap {
        self.key_map
    }
}

/// Name, blocks a stage, channels of the first, drop path.
const V1: [(&str, [usize; 4], usize, f64); 4] = [
    ("convnext_tiny", [3, 3, 9, 3], 96, 0.1),
    ("convnext_small", [3, 3, 27, 3], 96, 0.4),
    ("convnext_base", [3, 3, 27, 3], 128, 0.5),
    ("convnext_large", [3, 3, 27, 3], 192, 0.5),
];

/// Name, blocks a stage, channels of the first, how linear maps are kept.
const V2: [(&str, [usize; 4], usize, PointwiseKind); 7] = [
    ("convnextv2_atto", [2, 2, 6, 2], 40, PointwiseKind::Conv),
    ("convnextv2_femto", [2, 2, 6, 2], 48, PointwiseKind::Conv),
    ("convnextv2_pico", [2, 2, 6, 2], 64, PointwiseKind::Conv),
    ("convnextv2_nano", [2, 2, 8, 2], 80, PointwiseKind::Conv),
    ("convnextv2_tiny", [3, 3, 9, 3], 96, PointwiseKind::Linear),
    ("convnextv2_base", [3, 3, 27, 3], 128, PointwiseKind::Linear),
    ("convnextv2_large", [3, 3, 27, 3], 192, PointwiseKind::Linear),
];

/// Adds both families.
pub(crate) fn register(registry: &mut Registry) {
    for (name, depths, channels, drop_path) in V1 {
        let taps = ["features.1", "features.3", "features.5", "features.7"].map(str::to_owned);
        let config =
            ConvNeXtConfig::new(depths, channels, taps).with_layer_scale(Some(LAYER_SCALE)).with_drop_path(drop_path);
        registry.register_model(ConvNeXtFactory { name, family: "convnext", key_map: KEY_MAP_V1, config });
    }
    for (name, depths, channels, pointwise) in V2 {
        let taps = ["stages.0", "stages.1", "stages.2", "stages.3"].map(str::to_owned);
        let config = ConvNeXtConfig::new(depths, channels, taps).with_response_norm(true).with_pointwise(pointwise);
        registry.register_model(ConvNeXtFactory { name, family: "convnext_v2", key_map: KEY_MAP_V2, config });
    }
}
