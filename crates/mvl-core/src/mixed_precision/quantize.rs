//! A copy of a model whose weights are kept in 8 bits, for inference. Symmetric, a scale for each output channel, as in Krishnamoorthi
//! 2018, <https://arxiv.org/abs/1806.08342>; nothing is calibrated, for what flows through the net stays in `f32`.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;
use burn::tensor::quantization::{QuantScheme, QuantStore, QuantValue, ScaleDtype};

use super::place::{Bearer, Place};

/// The fewest values for which a scale of four bytes is kept.
const LEAST_SHARING: usize = 16;
/// The most values that share a scale along an axis: more would cost answers more than it saves.
const MOST_SHARING: usize = 64;

/// A copy of a model for inference whose linear layers and convolutions keep their weights in 8 bits, about a quarter of the memory of
/// `f32`. burn brings them back to `f32` each time that they are used, so that answers come no sooner. For the backend `Cpu`: burn's
/// ndarray cannot part a convolution's weights into channels (burn 0.22).
///
/// Each output channel has a scale of its own, or several, where it has more than 64 inputs: then the largest number up to 64 that
/// divides them shares one. Where fewer than 16 values would share one, as in depthwise convolutions, and everywhere else (biases,
/// normalisations, tables of positions), nothing changes. [`fuse`](crate::fuse) before, for weights that are quantised are not folded.
///
/// # Example
/// ```
/// use burn::nn::LinearConfig;
/// use burn::tensor::Tensor;
/// use mvl_core::{Backend, Cpu, MixedForward, quantize_weights};
///
/// let device = Cpu::device(0)?;
/// let layer = LinearConfig::new(64, 8).init(&device);
/// let quantized = quantize_weights(&layer);
/// let input = Tensor::<2>::ones([1, 64], &device);
/// let moved = (layer.forward_mixed(input.clone()) - quantized.forward_mixed(input)).abs().max().into_scalar::<f32>();
/// assert!(moved > 0.0 && moved < 0.05);
/// # Ok::<(), mvl_core::BackendError>(())
/// ```
#[must_use]
pub fn quantize_weights<M: Module>(model: &M) -> M {
    model.valid().map(&mut Quantize(Place::default()))
}

struct Quantize(Place);

impl ModuleMapper for Quantize {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.0.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.0.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.0.field() != "weight" || self.0.bearer().1 != Bearer::Layer {
            return param;
        }
        param.map(|value| match block(&value.dims()) {
            Some(block) if value.dtype().is_float() => value.quantize_dynamic(&scheme(&block)),
            _ => value,
        })
    }
}

fn scheme(block: &[u8]) -> QuantScheme {
    let scheme = QuantScheme::default().with_value(QuantValue::Q8S).with_store(QuantStore::Native);
    scheme.per_block(block, ScaleDtype::F32)
}

/// Which values share a scale: along the inputs of linear weights `[in, out]`, and of convolutions' `[out, in, …]`.
fn block(shape: &[usize]) -> Option<Vec<u8>> {
    let outputs = if shape.len() == 2 { 1 } else { 0 };
    let shared = |(axis, &side): (usize, &usize)| if axis == outputs { 1 } else { largest_divisor(side) };
    let sides: Vec<usize> = shape.iter().enumerate().map(shared).collect();
    let shares = sides.iter().product::<usize>() >= LEAST_SHARING;
    shares.then(|| sides.iter().map(|&side| u8::try_from(side).expect("at most 64")).collect())
}

/// Of a number's divisors the largest up to [`MOST_SHARING`].
fn largest_divisor(number: usize) -> usize {
    (1..=MOST_SHARING).rev().find(|divisor| number.is_multiple_of(*divisor)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use burn::nn::conv::Conv2dConfig;
    use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
    use burn::tensor::DType;

    use super::super::MixedForward;
    use super::*;
    use crate::{Backend, Cpu};

    #[test]
    fn channels_have_scales_of_their_own() {
        assert_eq!(block(&[24, 3, 3, 3]), Some(vec![1, 3, 3, 3]));
        assert_eq!(block(&[32, 1, 3, 3]), None, "depthwise: a scale for nine values");
        assert_eq!(block(&[64, 960, 1, 1]), Some(vec![1, 64, 1, 1]));
        assert_eq!(block(&[1280, 1000]), Some(vec![64, 1]), "linear weights have their inputs first");
        assert_eq!(block(&[20, 509]), Some(vec![20, 1]));
        assert_eq!(block(&[509, 10]), None, "a prime number of inputs");
    }

    #[derive(Module, Debug)]
    struct Net {
        conv: burn::nn::conv::Conv2d,
        norm: BatchNorm,
        head: Linear,
    }

    fn largest<const D: usize>(tensor: Tensor<D>) -> f32 {
        tensor.abs().max().into_scalar::<f32>()
    }

    #[test]
    fn weights_alone_are_quantised() {
        let device = Cpu::device(0).expect("a CPU");
        let net = Net {
            conv: Conv2dConfig::new([3, 4], [3, 3]).init(&device),
            norm: BatchNormConfig::new(4).init(&device),
            head: LinearConfig::new(600, 5).init(&device),
        };
        let quantized = quantize_weights(&net);
        assert!(matches!(quantized.conv.weight.val().dtype(), DType::QFloat(_)));
        assert!(matches!(quantized.head.weight.val().dtype(), DType::QFloat(_)));
        let bias = quantized.conv.bias.as_ref().expect("one").val();
        assert_eq!([bias.dtype(), quantized.norm.gamma.val().dtype()], [DType::F32; 2]);
        assert_eq!(net.conv.weight.val().dtype(), DType::F32, "the original is as before");

        // Half a step of 1/127 of the largest weight of a channel at most.
        let weight = net.conv.weight.val();
        let step = largest(weight.clone()) / 127.0;
        assert!(largest(weight - quantized.conv.weight.val().dequantize()) <= 0.51 * step);
        let images = Tensor::<4>::ones([2, 3, 5, 5], &device);
        let (exact, near) = (net.conv.forward_mixed(images.clone()), quantized.conv.forward_mixed(images));
        assert_eq!(near.dtype(), DType::F32);
        assert!(largest(exact - near) <= 27.0 * 0.51 * step);
        let rows = Tensor::<2>::ones([2, 600], &device);
        let moved = largest(net.head.forward_mixed(rows.clone()) - quantized.head.forward_mixed(rows));
        assert!(moved > 0.0 && moved < 0.05, "{moved}");
    }
}
