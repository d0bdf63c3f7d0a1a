//! The factories of `regnet_x_400mf` … `regnet_x_32gf` and `regnet_y_400mf` … `regnet_y_128gf`: torchvision's nets, keys and all.

use burn::tensor::Device;
use mvl_core::{BoxedBackbone, KeyMap, ModelConfig, ModelError, ModelFactory, Registry};

use super::net::{KEY_MAP, RegNetConfig};
use crate::backbones::WidthOptions;
use crate::layers::widen;

/// Channels in between, in squeeze and excitation, for each input channel of a block of RegNetY.
const SQUEEZE: f64 = 0.25;
/// Depth, first width, slope, factor and group width.
type Parameters = (usize, usize, f64, f64, usize);
/// Of the nets without squeeze and excitation, as torchvision has them.
const X: [(&str, Parameters); 7] = [
    ("regnet_x_400mf", (22, 24, 24.48, 2.54, 16)),
    ("regnet_x_800mf", (16, 56, 35.73, 2.28, 16)),
    ("regnet_x_1_6gf", (18, 80, 34.01, 2.25, 24)),
    ("regnet_x_3_2gf", (25, 88, 26.31, 2.25, 48)),
    ("regnet_x_8gf", (23, 80, 49.56, 2.88, 120)),
    ("regnet_x_16gf", (22, 216, 55.59, 2.1, 128)),
    ("regnet_x_32gf", (23, 320, 69.86, 2.0, 168)),
];
/// The same of the nets with it.
const Y: [(&str, Parameters); 8] = [
    ("regnet_y_400mf", (16, 48, 27.89, 2.09, 8)),
    ("regnet_y_800mf", (14, 56, 38.84, 2.4, 16)),
    ("regnet_y_1_6gf", (27, 48, 20.71, 2.65, 24)),
    ("regnet_y_3_2gf", (21, 80, 42.63, 2.66, 24)),
    ("regnet_y_8gf", (17, 192, 76.82, 2.19, 56)),
    ("regnet_y_16gf", (18, 200, 106.23, 2.48, 112)),
    ("regnet_y_32gf", (20, 232, 115.89, 2.53, 232)),
    ("regnet_y_128gf", (27, 456, 160.83, 2.52, 264)),
];

/// Creates one of the nets.
#[derive(Debug, Clone)]
pub struct RegNetFactory {
    name: &'static str,
    config: RegNetConfig,
}

impl ModelFactory for RegNetFactory {
    fn name(&self) -> &str {
        self.name
    }

    fn family(&self) -> &str {
        "regnet"
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        let width = WidthOptions::read(config, self.name)?;
        let published = self.config.clone().with_in_channels(config.in_channels);
        let (first_width, slope) = (widen(published.first_width, width), published.slope * width);
        Ok(BoxedBackbone::new(RegNetConfig { first_width, slope, ..published }.init(device)))
    }

    fn key_map(&self) -> KeyMap {
        KEY_MAP
    }
}

/// Adds the family.
pub(crate) fn register(registry: &mut Registry) {
    let nets = X.map(|net| (net, 0.0)).into_iter().chain(Y.map(|net| (net, SQUEEZE)));
    for ((name, (depth, first_width, slope, factor, group_width)), squeeze) in nets {
        let config = RegNetConfig::new(depth, first_width, slope, factor, group_width).with_squeeze(squeeze);
        registry.register_model(RegNetFactory { name, config });
    }
}
