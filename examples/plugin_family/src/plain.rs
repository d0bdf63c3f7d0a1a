//! The family: stages of one convolution each, halving the sides. `[N, C, H, W]` → maps at strides 2, 4 …

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use mvl::models::layers::{ConvNormAct, ConvNormActConfig};
use mvl::prelude::*;
use serde::{Deserialize, Serialize};

/// Convolutions of stride 2. Taps: `stages.0` … one a stage.
#[derive(Module, Debug)]
pub struct Plain {
    stages: Vec<ConvNormAct>,
    #[module(skip)]
    taps: Vec<Tap>,
}

impl Backbone for Plain {
    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features {
        let mut features = Features::new();
        let Some(last) = keep.last() else { return features };
        let mut map = images;
        for (tap, stage) in self.stages.iter().enumerate().take(last + 1) {
            map = stage.forward(map); // [N, width · 2^tap, H / 2^(tap+1), W / 2^(tap+1)]
            features.keep_map(keep, tap, &map);
        }
        features
    }
}

/// What may be written under `[model.options]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlainOptions {
    /// Channels of the first stage; each further stage has twice as many.
    pub width: usize,
}

impl Default for PlainOptions {
    fn default() -> Self {
        Self { width: 16 }
    }
}

/// Creates the net of so many stages.
#[derive(Debug, Clone)]
pub struct PlainFactory {
    name: String,
    stages: usize,
}

impl PlainFactory {
    /// `plain2` has two stages.
    #[must_use]
    pub fn new(stages: usize) -> Self {
        Self { name: format!("plain{stages}"), stages }
    }
}

impl ModelFactory for PlainFactory {
    fn name(&self) -> &str {
        &self.name
    }

    fn family(&self) -> &str {
        "plain"
    }

    fn input_side(&self) -> usize {
        28
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        let PlainOptions { width } = config.options.read(self.name())?;
        let mut channels = config.in_channels;
        let (stages, taps) = (0..self.stages)
            .map(|stage| {
                let conv = ConvNormActConfig::new([channels, width << stage], [3; 2]).with_stride(2).init(device);
                channels = width << stage;
                (conv, Tap::map(format!("stages.{stage}"), channels, 2 << stage))
            })
            .unzip();
        Ok(BoxedBackbone::new(Plain { stages, taps }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_the_contract() {
        for stages in 2..=4 {
            let config = ModelConfig::new(format!("plain{stages}"), 2).with_option("width", 4);
            mvl::core::conformance::factory(&PlainFactory::new(stages), &config, &Cpu::device(0).expect("a CPU"));
        }
    }
}
