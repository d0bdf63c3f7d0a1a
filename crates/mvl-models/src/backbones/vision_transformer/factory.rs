//! One factory for all names.

use burn::tensor::Device;
use mvl_core::{BoxedBackbone, HeadConfig, KeyMap, MAX_TAPS, ModelConfig, ModelError, ModelFactory};
use serde::{Deserialize, Serialize};

use super::net::{KEY_MAP, VisionTransformerConfig};

/// The most patches along a side that positions are learnt for, so that a config cannot ask for all of memory.
const MAX_GRID: usize = 256;

/// Options of the families of vision transformers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VisionTransformerOptions {
    /// Side of the pictures that positions are learnt for, in pixels: a multiple of the patch's; unless given, the published one.
    /// Pictures of other sizes are taken all the same. Published weights fit only the published side.
    pub img_size: Option<usize>,
    /// How many blocks, unless given as published.
    pub depth: Option<usize>,
    /// Share of the samples for which the last block's branches are left out in training; it grows from 0 at the first block.
    pub drop_path: f64,
}

impl VisionTransformerOptions {
    fn check(&self, patch: usize) -> Result<(), String> {
        if let Some(side) = self.img_size
            && !(side.is_multiple_of(patch) && (1..=MAX_GRID).contains(&(side / patch)))
        {
            return Err(format!("img_size: expected a multiple of {patch} up to {}, got {side}", MAX_GRID * patch));
        }
        if let Some(depth) = self.depth
            && !(1..MAX_TAPS).contains(&depth)
        {
            return Err(format!("depth: expected 1 to {}, got {depth}", MAX_TAPS - 1));
        }
        if !(0.0..1.0).contains(&self.drop_path) {
            return Err(format!("drop_path: expected a number from 0 to below 1, got {}", self.drop_path));
        }
        Ok(())
    }
}

/// Creates one of the vision transformers.
#[derive(Debug, Clone)]
pub struct VisionTransformerFactory {
    pub(super) name: &'static str,
    pub(super) family: &'static str,
    pub(super) config: VisionTransformerConfig,
}

impl ModelFactory for VisionTransformerFactory {
    fn name(&self) -> &str {
        self.name
    }

    fn family(&self) -> &str {
        self.family
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        let options: VisionTransformerOptions = config.options.read(self.name)?;
        options
            .check(self.config.patch)
            .map_err(|what| ModelError::InvalidOptions { owner: self.name.to_owned(), what })?;
        let depth = options.depth.unwrap_or(self.config.depth);
        let input_side = options.img_size.unwrap_or(self.config.input_side);
        let net = VisionTransformerConfig { depth, input_side, ..self.config.clone() }
            .with_in_channels(config.in_channels)
            .with_drop_path(options.drop_path);
        Ok(BoxedBackbone::new(net.init(device)))
    }

    fn head(&self) -> HeadConfig {
        if self.config.distillation_token {
            HeadConfig::new("distilled")
        } else {
            HeadConfig::new("linear").with_option("pool", "token")
        }
    }

    fn key_map(&self) -> KeyMap {
        KEY_MAP
    }

    /// What training leaves behind: DINOv2's token for hidden patches, ViT's layer before the classifier of ImageNet-21k.
    fn unused_keys(&self) -> &'static [&'static str] {
        &[r"^mask_token$", r"^pre_logits\."]
    }

    fn input_side(&self) -> usize {
        self.config.input_side
    }
}
