//! The layers of a [`Sequence`](super::Sequence). `[N, C, H, W]` → `[N, C', H', W']`

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::pool::MaxPool2d;
use burn::nn::{BatchNorm, Relu};
use burn::tensor::Tensor;
use mvl_core::{Fuse, MixedForward};

use crate::backbones::squeezenet::Fire;
use crate::layers::fold_batch_norm;

/// A layer.
#[derive(Module, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a net holds a few dozen of them, and a box more would be one more look each"
)]
pub enum Step {
    /// A convolution with a bias.
    Conv(Conv2d),
    /// Batch normalisation, until it is folded into the convolution before it.
    Norm(Option<BatchNorm>),
    /// `max(x, 0)`
    Relu(Relu),
    /// The largest number of each window.
    Pool(MaxPool2d),
    /// SqueezeNet's block.
    Fire(Fire),
}

impl Step {
    /// # Shapes
    /// `[N, C, H, W]` → `[N, C', H', W']`
    #[must_use]
    pub fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Conv(conv) => conv.forward_mixed(map),
            Self::Norm(Some(norm)) => norm.forward_mixed(map),
            Self::Norm(None) => map,
            Self::Relu(relu) => relu.forward(map),
            Self::Pool(pool) => pool.forward(map),
            Self::Fire(fire) => fire.forward(map),
        }
    }
}

/// Layers in a row.
#[derive(Module, Debug)]
pub struct Steps {
    /// In order.
    pub steps: Vec<Step>,
}

impl Fuse for Steps {
    /// Each normalisation goes into the convolution before it.
    fn fuse(mut self) -> Self {
        for place in 1..self.steps.len() {
            let (before, after) = self.steps.split_at_mut(place);
            if let (Some(Step::Conv(conv)), Step::Norm(norm)) = (before.last_mut(), &mut after[0])
                && let Some(norm) = norm.take()
            {
                *conv = fold_batch_norm(conv.clone(), &norm);
            }
        }
        self
    }
}
