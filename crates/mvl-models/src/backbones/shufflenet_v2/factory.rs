//! The factories of `shufflenet_v2_x0_5`, `shufflenet_v2_x1_0`, `shufflenet_v2_x1_5` and `shufflenet_v2_x2_0`: torchvision's nets,
//! keys and all.

use burn::tensor::Device;
use mvl_core::{BoxedBackbone, KeyMap, ModelConfig, ModelError, ModelFactory, Registry};
use serde::{Deserialize, Serialize};

use super::net::{KEY_MAP, ShuffleNetV2Config};
use crate::layers::{check_width, widen};

/// Channels of the stages and of the last convolution (table 5 of the paper; at half size torchvision has 48, 96, 192 as well).
const NETS: [(&str, [usize; 3], usize); 4] = [
    ("shufflenet_v2_x0_5", [48, 96, 192], 1024),
    ("shufflenet_v2_x1_0", [116, 232, 464], 1024),
    ("shufflenet_v2_x1_5", [176, 352, 704], 1024),
    ("shufflenet_v2_x2_0", [244, 488, 976], 2048),
];

/// Options of the family `shufflenet_v2`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ShuffleNetV2Options {
    /// Factor on the channel counts of the stages and of the last convolution, which are then rounded to multiples of 8 by
    /// [`make_divisible`](crate::layers::make_divisible); without it they are as published.
    pub width: Option<f64>,
}

/// Creates one of the nets.
#[derive(Debug, Clone)]
pub struct ShuffleNetV2Factory {
    name: &'static str,
    channels: [usize; 3],
    last_channels: usize,
}

impl ModelFactory for ShuffleNetV2Factory {
    fn name(&self) -> &str {
        self.name
    }

    fn family(&self) -> &str {
        "shufflenet_v2"
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        let options: ShuffleNetV2Options = config.options.read(self.name)?;
        let (mut channels, mut last_channels) = (self.channels, self.last_channels);
        if let Some(width) = options.width {
            check_width(self.name, width)?;
            channels = channels.map(|count| widen(count, width));
            last_channels = widen(last_channels, width);
        }
        let net = ShuffleNetV2Config::new(channels, last_channels).with_in_channels(config.in_channels);
        Ok(BoxedBackbone::new(net.init(device)))
    }

    fn key_map(&self) -> KeyMap {
        KEY_MAP
    }
}

/// Adds the family.
pub(crate) fn register(registry: &mut Registry) {
    for (name, channels, last_channels) in NETS {
        registry.register_model(ShuffleNetV2Factory { name, channels, last_channels });
    }
}
