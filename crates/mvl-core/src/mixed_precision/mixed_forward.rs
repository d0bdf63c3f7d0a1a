//! Layers whose weights are of another type than what flows through the net.
//!
//! burn's layers want input and weights of one type. Training in half precision keeps some layers, normalisations above all, in `f32`;
//! [`MixedForward`] runs any of burn's layers in the type of its weights, and answers in the type of its input, so that what flows
//! through a net keeps one type. A layer of the same type costs nothing more. Convolutions and batch normalisations that learn on the CPU
//! in `f32` are taken by operations of our own, which are several times as fast as burn's and agree with them to rounding.

use burn::module::Param;
use burn::nn::conv::{Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d};
use burn::nn::{BatchNorm, GroupNorm, InstanceNorm, LayerNorm, Linear, RmsNorm};
use burn::tensor::{DType, Tensor};

use super::in_full_precision;

/// Runs a layer in the type of its weights, and answers in the type of its input.
///
/// # Example
/// ```
/// use burn::nn::{Linear, LinearConfig};
/// use burn::tensor::{DType, Tensor};
/// use mvl_core::{Backend, Cpu, MixedForward};
///
/// let device = Cpu::device(0)?;
/// let layer: Linear = LinearConfig::new(4, 2).init(&device); // in f32
/// let output = layer.forward_mixed(Tensor::<2>::ones([3, 4], &device).cast(DType::BF16));
/// assert_eq!(output.dtype(), DType::BF16);
/// # Ok::<(), mvl_core::BackendError>(())
/// ```
pub trait MixedForward<const D: usize> {
    /// The layer's `forward`, in the type of its weights.
    fn forward_mixed(&self, input: Tensor<D>) -> Tensor<D>;
}

/// Runs `layer` on the input in the type of `weights`, and answers in the type of the input.
pub fn in_type_of<const W: usize, const I: usize, const O: usize>(
    weights: &Param<Tensor<W>>,
    input: Tensor<I>,
    layer: impl FnOnce(Tensor<I>) -> Tensor<O>,
) -> Tensor<O> {
    let (own, given) = (bearing_type(weights), input.dtype());
    if own == given { layer(input) } else { layer(input.cast(own)).cast(given) }
}

/// The type in which weights take part. burn brings those that are quantised back to `f32` wherever they are used; reparameterised ones
/// say it only once they are brought back.
fn bearing_type<const D: usize>(weights: &Param<Tensor<D>>) -> DType {
    match weights.dtype() {
        stored if stored.is_float() => stored,
        _ => match weights.val().dtype() {
            DType::QFloat(_) => DType::F32,
            own => own,
        },
    }
}

impl<const D: usize> MixedForward<D> for Linear {
    fn forward_mixed(&self, input: Tensor<D>) -> Tensor<D> {
        in_type_of(&self.weight, input, |input| self.forward(input))
    }
}

/// One impl a rank.
macro_rules! convolution {
    ($($layer:ident: $rank:literal),* $(,)?) => {
        $(impl MixedForward<$rank> for $layer {
            fn forward_mixed(&self, input: Tensor<$rank>) -> Tensor<$rank> {
                in_type_of(&self.weight, input, |input| self.forward(input))
            }
        })*
    };
}

impl MixedForward<4> for Conv2d {
    fn forward_mixed(&self, input: Tensor<4>) -> Tensor<4> {
        in_type_of(&self.weight, input, |input| {
            #[cfg(feature = "cpu")]
            if let Some(output) = crate::cpu::learnt_convolution(self, &input) {
                return output;
            }
            self.forward(input)
        })
    }
}

convolution!(Conv1d: 3, Conv3d: 5, ConvTranspose1d: 3, ConvTranspose2d: 4, ConvTranspose3d: 5);

impl<const D: usize> MixedForward<D> for BatchNorm {
    fn forward_mixed(&self, input: Tensor<D>) -> Tensor<D> {
        in_type_of(&self.gamma, input, |input| {
            #[cfg(feature = "cpu")]
            if let Some(output) = crate::cpu::learnt_batch_norm(self, &input) {
                return output;
            }
            self.forward(input)
        })
    }
}

impl<const D: usize> MixedForward<D> for LayerNorm {
    fn forward_mixed(&self, input: Tensor<D>) -> Tensor<D> {
        in_type_of(&self.gamma, input, |input| self.forward(input))
    }
}

impl<const D: usize> MixedForward<D> for GroupNorm {
    fn forward_mixed(&self, input: Tensor<D>) -> Tensor<D> {
        match &self.gamma {
            Some(gamma) => in_type_of(gamma, input, |input| self.forward(input)),
            None => in_full_precision(input, |input| self.forward(input)),
        }
    }
}

impl<const D: usize> MixedForward<D> for InstanceNorm {
    fn forward_mixed(&self, input: Tensor<D>) -> Tensor<D> {
        match &self.gamma {
            Some(gamma) => in_type_of(gamma, input, |input| self.forward(input)),
            None => in_full_precision(input, |input| self.forward(input)),
        }
    }
}

impl<const D: usize> MixedForward<D> for RmsNorm {
    fn forward_mixed(&self, input: Tensor<D>) -> Tensor<D> {
        in_type_of(&self.gamma, input, |input| self.forward(input))
    }
}
