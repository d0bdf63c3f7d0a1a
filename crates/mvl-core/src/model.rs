//! A model in two halves: a backbone that turns images into features, a head that turns features into an answer.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use serde::Serialize;

use crate::{Features, Tap, TapSet, flow_type};

/// Turns images into features.
///
/// The contract, proven by [`conformance::backbone`](crate::conformance::backbone): `taps` is constant and tells the truth
/// about channels and strides; `forward` returns exactly the taps in `keep`; it works at any input that
/// [`sides`](Self::sides) allows; nothing in it reads values back to the host, so that it can be captured as a graph.
pub trait Backbone: Module + 'static {
    /// Where features can be taken, in the order of computation. At most [`MAX_TAPS`](crate::MAX_TAPS).
    fn taps(&self) -> &[Tap];

    /// Which pictures it takes: by default any whose sides are at least the largest stride.
    fn sides(&self) -> InputSides {
        InputSides::at_least(self.taps().iter().map(|tap| tap.stride).max().unwrap_or(1))
    }

    /// Runs up to the last tap that is kept. burn's layers are run by [`forward_mixed`](crate::MixedForward), so that the backbone
    /// can be trained in half precision; images come in the type that flows through it.
    ///
    /// # Shapes
    /// `images`: `[N, C, H, W]`, already normalised.
    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features;
}

/// The sides of pictures that a backbone takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct InputSides {
    /// The smallest side, in pixels.
    pub min: usize,
    /// Sides are multiples of this many pixels.
    pub multiple_of: usize,
    /// Cells by which a map may be smaller than `side / stride`, in nets whose convolutions are not padded.
    pub margin: usize,
}

impl InputSides {
    /// Any side from `min` pixels on.
    #[must_use]
    pub fn at_least(min: usize) -> Self {
        Self { min, multiple_of: 1, margin: 0 }
    }

    /// Multiples of `side` pixels.
    #[must_use]
    pub fn multiples_of(side: usize) -> Self {
        Self { min: side, multiple_of: side, margin: 0 }
    }

    /// Sets by how many cells maps may be smaller than strides say.
    #[must_use]
    pub fn with_margin(self, margin: usize) -> Self {
        Self { margin, ..self }
    }

    /// Whether a picture may have this side.
    #[must_use]
    pub fn allow(&self, side: usize) -> bool {
        side >= self.min && side.is_multiple_of(self.multiple_of)
    }
}

/// Turns features into an answer.
pub trait Head: Module + 'static {
    /// The answer: logits `[N, K]`, boxes, masks …
    type Output;

    /// The taps it reads.
    fn reads(&self) -> TapSet;

    /// # Panics
    /// May panic when a tap of [`reads`](Self::reads) is missing.
    fn forward(&self, features: Features) -> Self::Output;
}

/// A backbone with a head.
///
/// Any module pair works, boxed ([`BoxedBackbone`](crate::BoxedBackbone)) or static.
#[derive(Module, Debug)]
pub struct Network<B: Module, H: Module> {
    /// Images → features.
    pub backbone: B,
    /// Features → answer.
    pub head: H,
}

impl<B: Backbone, H: Head> Network<B, H> {
    /// Puts a head on a backbone.
    pub fn new(backbone: B, head: H) -> Self {
        Self { backbone, head }
    }

    /// Images to answer. Of a network in half precision the images are brought to its type ([`flow_type`]), and
    /// the answer may come in it.
    ///
    /// # Shapes
    /// `images`: `[N, C, H, W]`, already normalised.
    pub fn forward(&self, images: Tensor<4>) -> H::Output {
        let [_, _, height, width] = images.dims();
        let images = match flow_type(&self.backbone).or_else(|| flow_type(&self.head)) {
            Some(dtype) => images.cast(dtype),
            None => images,
        };
        let features = self.backbone.forward(images, self.head.reads());
        self.head.forward(features.with_picture_size([height, width]))
    }
}

/// How the fields are called that hold running statistics or constants which weights files carry.
const NOT_LEARNT: [&str; 2] = ["running_", "buffer_"];

/// Learnable parameters of a module, as torchvision and timm count them: running statistics of normalisation layers, which
/// burn's `num_params` includes, are not learnt and not counted, nor are fields whose name begins with `buffer_`: constants that
/// weights files carry.
pub fn count_parameters<M: Module>(module: &M) -> usize {
    let mut counter = ParameterCounter::default();
    module.visit(&mut counter);
    counter.count
}

/// Whether a field of this name is learnt: not if it holds running statistics (`running_…`) or constants that weights files carry
/// (`buffer_…`).
#[must_use]
pub fn is_learnt(field: &str) -> bool {
    !NOT_LEARNT.iter().any(|start| field.starts_with(start))
}

#[derive(Default)]
struct ParameterCounter {
    path: Vec<String>,
    count: usize,
}

impl ModuleVisitor for ParameterCounter {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.path.last().is_none_or(|name| is_learnt(name)) {
            self.count += param.lazy_shape().num_elements();
        }
    }
}

/// The device a module's parameters are on, or `None` for a module without any.
pub fn device_of<M: Module>(module: &M) -> Option<Device> {
    module.devices().into_iter().next()
}
