//! A classifier of each cell: dropout → 1×1 convolution → activation → mean over the cells; a map `[N, C, H, W]` → logits
//! `[N, K]`. SqueezeNet's (Iandola et al. 2016, <https://arxiv.org/abs/1602.07360>), after Lin, Chen, Yan 2013 (Network in
//! Network), <https://arxiv.org/abs/1312.4400>.

use burn::module::{Initializer, Module};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::{Device, Tensor};
use mvl_core::{BoxedHead, Features, Head, HeadFactory, MixedForward, ModelConfig, ModelError, Tap, TapSet};
use serde::{Deserialize, Serialize};

use super::pooling::{Pool, Pooling, check_dropout, global_average_pool};
use crate::layers::Activation;

const NAME: &str = "conv";
/// Standard deviation of fresh weights, as torchvision's SqueezeNet draws them.
const WEIGHT_STD: f64 = 0.01;

/// Options of the head `conv`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConvHeadOptions {
    /// Share of the map that is dropped in training.
    pub dropout: f64,
    /// What follows the convolution.
    pub activation: Activation,
}

impl Default for ConvHeadOptions {
    fn default() -> Self {
        Self { dropout: 0.0, activation: Activation::Relu }
    }
}

/// A 1×1 convolution of the last map, averaged.
#[derive(Module, Debug)]
pub struct ConvHead {
    dropout: Dropout,
    conv: Conv2d,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    tap: usize,
}

impl Head for ConvHead {
    type Output = Tensor<2>;

    fn reads(&self) -> TapSet {
        TapSet::one(self.tap)
    }

    fn forward(&self, mut features: Features) -> Tensor<2> {
        let map = self.dropout.forward(features.take_map(self.tap)); // [N, C, H, W]
        global_average_pool(self.activation.forward(self.conv.forward_mixed(map))) // [N, K]
    }
}

/// Creates [`ConvHead`]s under the name `conv`. Weights start small, biases at zero.
#[derive(Debug, Clone, Copy)]
pub struct ConvHeadFactory;

impl HeadFactory<Tensor<2>> for ConvHeadFactory {
    fn name(&self) -> &str {
        NAME
    }

    fn create_head(
        &self,
        config: &ModelConfig,
        taps: &[Tap],
        device: &Device,
    ) -> Result<BoxedHead<Tensor<2>>, ModelError> {
        let options: ConvHeadOptions = config.head.options.read(NAME)?;
        check_dropout(NAME, options.dropout)?;
        let last_map = Pool::new(NAME, Pooling::Grid(1), config, taps)?;
        let mut conv = Conv2dConfig::new([last_map.width, config.num_classes], [1, 1])
            .with_initializer(Initializer::Normal { mean: 0.0, std: WEIGHT_STD })
            .init(device);
        conv.bias = Some(Initializer::Zeros.init([config.num_classes], device));
        Ok(BoxedHead::new(ConvHead {
            dropout: DropoutConfig::new(options.dropout).init(),
            conv,
            activation: options.activation,
            tap: last_map.tap,
        }))
    }
}
