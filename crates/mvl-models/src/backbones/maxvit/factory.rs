//! The factory of `maxvit_t`: torchvision's net, keys and all.

use burn::tensor::Device;
use mvl_core::{BoxedBackbone, HeadConfig, KeyMap, ModelConfig, ModelError, ModelFactory, Registry};
use serde::{Deserialize, Serialize};

use super::attention::EPSILON;
use super::net::MaxVitConfig;
use crate::layers::{check_drop_path, check_width, widen};

const NAME: &str = "maxvit_t";
const HEAD_CHANNELS: usize = 32;
/// Width of the classifier's hidden layer.
const HIDDEN: usize = 512;
/// The most layers of a block, and cells along a window's side, so that a config cannot ask for all of memory.
const MAX_DEPTH: usize = 256;
const MAX_PARTITION: usize = 64;

/// To torchvision's keys.
const KEY_MAP: KeyMap = KeyMap(&[
    (r"^backbone\.", ""),
    (r"^stem_first\.conv\.", "stem.0.0."),
    (r"^stem_first\.norm\.", "stem.0.1."),
    (r"^stem_second\.", "stem.1.0."),
    (r"^blocks\.(\d+)\.(\d+)\.", "blocks.$1.layers.$2.layers."),
    (r"\.mb_conv\.proj\.", ".MBconv.proj.1."), // after the pool
    (r"\.mb_conv\.", ".MBconv.layers."),
    (r"\b(conv_[ab])\.conv\.", "$1.0."),
    (r"\b(conv_[ab])\.norm\.", "$1.1."),
    (r"_attention\.norm1\.", "_attention.attn_layer.0."),
    (r"_attention\.attn\.", "_attention.attn_layer.1."),
    (r"_attention\.norm2\.", "_attention.mlp_layer.0."),
    (r"_attention\.mlp\.fc1\.", "_attention.mlp_layer.1."),
    (r"_attention\.mlp\.fc2\.", "_attention.mlp_layer.3."),
    (r"\bbuffer_", ""),
    (r"^head\.norm\.", "classifier.2."),
    (r"^head\.hidden\.0\.", "classifier.3."),
    (r"^head\.linear\.", "classifier.5."),
]);

/// Options of the family `maxvit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MaxVitOptions {
    /// Factor on the channels of a head; the product is rounded to a multiple of 8 by
    /// [`make_divisible`](crate::layers::make_divisible).
    pub width: f64,
    /// Layers in each block.
    pub depths: [usize; 4],
    /// Cells along the side of a window and of a grid. Pictures' sides are multiples of 32 times as many pixels.
    pub partition: usize,
    /// Share of the samples that leave the last layer's branches out in training.
    pub drop_path: f64,
}

impl Default for MaxVitOptions {
    fn default() -> Self {
        Self { width: 1.0, depths: [2, 2, 5, 2], partition: 7, drop_path: 0.2 }
    }
}

/// Creates MaxViT.
#[derive(Debug, Clone, Copy)]
pub struct MaxVitFactory;

impl ModelFactory for MaxVitFactory {
    fn name(&self) -> &str {
        NAME
    }

    fn family(&self) -> &str {
        "maxvit"
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        let options: MaxVitOptions = config.options.read(NAME)?;
        check_width(NAME, options.width)?;
        check_drop_path(NAME, options.drop_path)?;
        let invalid = |what| ModelError::InvalidOptions { owner: NAME.to_owned(), what };
        if options.depths.iter().any(|depth| !(1..=MAX_DEPTH).contains(depth)) {
            let what = format!("depths: expected 1 to {MAX_DEPTH} layers a block, got {:?}", options.depths);
            return Err(invalid(what));
        }
        if !(1..=MAX_PARTITION).contains(&options.partition) {
            return Err(invalid(format!("partition: expected 1 to {MAX_PARTITION}, got {}", options.partition)));
        }
        let net = MaxVitConfig::new(options.depths, options.partition, widen(HEAD_CHANNELS, options.width))
            .with_in_channels(config.in_channels)
            .with_drop_path(options.drop_path);
        Ok(BoxedBackbone::new(net.init(device)))
    }

    fn head(&self) -> HeadConfig {
        HeadConfig::new("mlp")
            .with_option("norm", EPSILON)
            .with_option("hidden", vec![HIDDEN])
            .with_option("activation", "tanh")
            .with_option("bias", false)
    }

    fn key_map(&self) -> KeyMap {
        KEY_MAP
    }
}

/// Adds the family.
pub(crate) fn register(registry: &mut Registry) {
    registry.register_model(MaxVitFactory);
}
