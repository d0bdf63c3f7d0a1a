//! The factory of `alexnet`: torchvision's net, keys and all.

use burn::tensor::Device;
use mvl_core::{BoxedBackbone, HeadConfig, InputSides, KeyMap, ModelConfig, ModelError, ModelFactory, Registry};
use serde_json::json;

use crate::backbones::WidthOptions;
use crate::backbones::sequence::{Sequence, SequenceBuilder};
use crate::layers::{PoolEdge, widen};

const NAME: &str = "alexnet";
/// Widths of the published classifier's hidden layers, and its share of dropout.
const HIDDEN: [usize; 2] = [4096, 4096];
const DROPOUT: f64 = 0.5;
/// Rows and columns that the last map is averaged to.
const GRID: usize = 6;
/// The smallest side that leaves a cell.
const MIN_SIDE: usize = 63;

const KEY_MAP: KeyMap = KeyMap(&[
    (r"^backbone\.features\.steps\.", "features."),
    (r"^head\.hidden\.0\.", "classifier.1."),
    (r"^head\.hidden\.1\.", "classifier.4."),
    (r"^head\.linear\.", "classifier.6."),
]);

/// Creates AlexNet.
#[derive(Debug, Clone, Copy)]
pub struct AlexNetFactory;

/// Taps: before each pool, and after the last.
fn build(in_channels: usize, width: f64, device: &Device) -> Sequence {
    let wide = |channels| widen(channels, width);
    SequenceBuilder::new(in_channels, device)
        .conv(wide(64), 11, 4, 2)
        .relu()
        .tap()
        .pool(3, PoolEdge::Floor)
        .conv(wide(192), 5, 1, 2)
        .relu()
        .tap()
        .pool(3, PoolEdge::Floor)
        .conv(wide(384), 3, 1, 1)
        .relu()
        .conv(wide(256), 3, 1, 1)
        .relu()
        .conv(wide(256), 3, 1, 1)
        .relu()
        .tap()
        .pool(3, PoolEdge::Floor)
        .tap()
        .build(InputSides::at_least(MIN_SIDE).with_margin(1))
}

impl ModelFactory for AlexNetFactory {
    fn name(&self) -> &str {
        NAME
    }

    fn family(&self) -> &str {
        NAME
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        let width = WidthOptions::read(config, NAME)?;
        Ok(BoxedBackbone::new(build(config.in_channels, width, device)))
    }

    fn head(&self) -> HeadConfig {
        HeadConfig::new("mlp")
            .with_option("pool", json!({ "grid": GRID }))
            .with_option("hidden", HIDDEN.to_vec())
            .with_option("dropout", DROPOUT)
            .with_option("dropout_place", "before_hidden")
    }

    fn key_map(&self) -> KeyMap {
        KEY_MAP
    }
}

/// Adds the family.
pub(crate) fn register(registry: &mut Registry) {
    registry.register_model(AlexNetFactory);
}
