//! A backbone and a head of our own, registered by name: what the tests of files and folders run on as well.

use burn::module::{Module, Param, RunningState};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use mvl_core::{
    Backbone, BoxedBackbone, BoxedHead, Features, Head, HeadFactory, KeyMap, ModelConfig, ModelError, ModelFactory,
    Registry, Tap, TapSet,
};
use mvl_models::zoo;

/// Has the tensors of `tiny_*.pth`, of which only the convolution and the running variance take part.
#[derive(Module, Debug)]
struct Tiny {
    conv: Conv2d,
    running_var: RunningState<Tensor<1>>,
    transposed: Param<Tensor<2>>,
    whole: Param<Tensor<1>>,
    part: Param<Tensor<2>>,
    #[module(skip)]
    taps: Vec<Tap>,
}

impl Backbone for Tiny {
    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features {
        let map = self.conv.forward(images) / self.running_var.value().reshape([1, 4, 1, 1]);
        let mut features = Features::new();
        features.keep_map(keep, 0, &map);
        features
    }
}

struct TinyFactory;

impl ModelFactory for TinyFactory {
    fn name(&self) -> &str {
        "tiny"
    }

    fn family(&self) -> &str {
        "tests"
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        Ok(BoxedBackbone::new(Tiny {
            conv: Conv2dConfig::new([config.in_channels, 4], [3, 3]).with_bias(false).init(device),
            running_var: RunningState::new(Tensor::ones([4], device)),
            transposed: Param::from_tensor(Tensor::zeros([5, 3], device)),
            whole: Param::from_tensor(Tensor::zeros([10], device)),
            part: Param::from_tensor(Tensor::zeros([2, 3], device)),
            taps: vec![Tap::map("conv", 4, 1)],
        }))
    }

    fn key_map(&self) -> KeyMap {
        KeyMap(&[
            (r"^backbone\.(conv|view)\.", "$1."),
            (r"^backbone\.running_var$", "bn.running_var"),
            (r"^backbone\.transposed$", "view.transposed"),
            (r"^backbone\.(whole|part)$", "shared.$1"),
            (r"^head\.linear\.", "fc."),
        ])
    }
}

/// Tokens instead of maps.
#[derive(Module, Debug)]
struct Words {
    #[module(skip)]
    taps: Vec<Tap>,
}

impl Backbone for Words {
    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features {
        let mut features = Features::new();
        features.keep_tokens(keep, 0, &images.flatten(2, 3));
        features
    }
}

struct WordsFactory;

impl ModelFactory for WordsFactory {
    fn name(&self) -> &str {
        "words"
    }

    fn family(&self) -> &str {
        "tests"
    }

    fn create_model(&self, _config: &ModelConfig, _device: &Device) -> Result<BoxedBackbone, ModelError> {
        Ok(BoxedBackbone::new(Words { taps: vec![Tap::tokens("words", 4, 1)] }))
    }
}

/// A head with a parameter of another name than the usual.
#[derive(Module, Debug)]
struct Corner {
    answer: Linear,
}

impl Head for Corner {
    type Output = Tensor<2>;

    fn reads(&self) -> TapSet {
        TapSet::one(0)
    }

    fn forward(&self, mut features: Features) -> Tensor<2> {
        let corner = features.take_map(0).slice([0..1, 0..4, 0..1, 0..1]);
        self.answer.forward(corner.reshape([1, 4]))
    }
}

struct CornerFactory;

impl HeadFactory<Tensor<2>> for CornerFactory {
    fn name(&self) -> &str {
        "corner"
    }

    fn create_head(
        &self,
        config: &ModelConfig,
        taps: &[Tap],
        device: &Device,
    ) -> Result<BoxedHead<Tensor<2>>, ModelError> {
        Ok(BoxedHead::new(Corner { answer: LinearConfig::new(taps[0].channels, config.num_classes).init(device) }))
    }
}

/// The zoo with these.
pub(super) fn registry() -> Registry {
    let mut registry = zoo();
    registry.register_model(TinyFactory).register_model(WordsFactory).register_head(CornerFactory);
    registry
}
