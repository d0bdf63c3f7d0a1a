//! The factories of both versions: torchvision's nets, keys and all.

use burn::tensor::Device;
use mvl_core::{BoxedBackbone, KeyMap, ModelConfig, ModelError, ModelFactory, Registry};
use serde::{Deserialize, Serialize};

use super::net::{SwinConfig, SwinVersion};
use crate::layers::{check_drop_path, check_width, widen};

/// The most blocks of a stage, so that a config cannot ask for all of memory.
const MAX_DEPTH: usize = 256;

/// To torchvision's keys: what divides two stages has a number of its own.
const KEY_MAP: KeyMap = KeyMap(&[
    (r"^backbone\.", ""),
    (r"^patch_conv\.", "features.0.0."),
    (r"^patch_norm\.", "features.0.2."),
    (r"^stages\.0\.blocks\.", "features.1."),
    (r"^stages\.1\.merging\.", "features.2."),
    (r"^stages\.1\.blocks\.", "features.3."),
    (r"^stages\.2\.merging\.", "features.4."),
    (r"^stages\.2\.blocks\.", "features.5."),
    (r"^stages\.3\.merging\.", "features.6."),
    (r"^stages\.3\.blocks\.", "features.7."),
    (r"\.mlp\.fc1\.", ".mlp.0."),
    (r"\.mlp\.fc2\.", ".mlp.3."),
    (r"\.positions\.fc1\.", ".cpb_mlp.0."),
    (r"\.positions\.fc2\.", ".cpb_mlp.2."),
    (r"\.positions\.", "."),
    (r"\bbuffer_", ""),
    (r"^head\.linear\.", "head."),
]);

/// Options of the families `swin` and `swin_v2`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SwinOptions {
    /// Factor on the channels of a head; the product is rounded to a multiple of 8 by
    /// [`make_divisible`](crate::layers::make_divisible).
    pub width: f64,
    /// Blocks in each stage, of which every second one moves its windows; as published when left out.
    pub depths: Option<[usize; 4]>,
    /// Share of the samples that leave the last block's branches out in training; as the reference has it when left out.
    pub drop_path: Option<f64>,
}

impl Default for SwinOptions {
    fn default() -> Self {
        Self { width: 1.0, depths: None, drop_path: None }
    }
}

/// Creates one of the nets.
#[derive(Debug, Clone)]
pub struct SwinFactory {
    name: &'static str,
    config: SwinConfig,
    input_side: usize,
}

impl ModelFactory for SwinFactory {
    fn name(&self) -> &str {
        self.name
    }

    fn family(&self) -> &str {
        match self.config.version {
            SwinVersion::V1 => "swin",
            SwinVersion::V2 => "swin_v2",
        }
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        let options: SwinOptions = config.options.read(self.name)?;
        check_width(self.name, options.width)?;
        let drop_path = options.drop_path.unwrap_or(self.config.drop_path);
        check_drop_path(self.name, drop_path)?;
        let depths = options.depths.unwrap_or(self.config.depths);
        if depths.iter().any(|depth| !(1..=MAX_DEPTH).contains(depth)) {
            let what = format!("depths: expected 1 to {MAX_DEPTH} blocks a stage, got {depths:?}");
            return Err(ModelError::InvalidOptions { owner: self.name.to_owned(), what });
        }
        let net = SwinConfig { depths, ..self.config.clone() }
            .with_head_channels(widen(self.config.head_channels, options.width))
            .with_in_channels(config.in_channels)
            .with_drop_path(drop_path);
        Ok(BoxedBackbone::new(net.init(device)))
    }

    fn input_side(&self) -> usize {
        self.input_side
    }

    fn key_map(&self) -> KeyMap {
        KEY_MAP
    }
}

/// Names of both versions, blocks of the third stage, heads of the first, drop path.
const NETS: [([&str; 2], usize, usize, f64); 3] = [
    (["swin_t", "swin_v2_t"], 6, 3, 0.2),
    (["swin_s", "swin_v2_s"], 18, 3, 0.3),
    (["swin_b", "swin_v2_b"], 18, 4, 0.5),
];
/// Version, a window's side, side of the pictures.
const VERSIONS: [(SwinVersion, usize, usize); 2] = [(SwinVersion::V1, 7, 224), (SwinVersion::V2, 8, 256)];

/// Adds both families.
pub(crate) fn register(registry: &mut Registry) {
    for (names, blocks, heads, drop_path) in NETS {
        for (name, (version, window, input_side)) in names.into_iter().zip(VERSIONS) {
            let config = SwinConfig::new(version, [2, 2, blocks, 2], heads, window).with_drop_path(drop_path);
            registry.register_model(SwinFactory { name, config, input_side });
        }
    }
}
