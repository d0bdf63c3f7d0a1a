//! Convolutions, over [`mvl_kernels::Convolution`]: burn makes the gradient of the weights of another convolution, which on the CPU comes
//! out as many tiny products.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::nn::PaddingConfig2d;
use burn::nn::conv::Conv2d;
use burn::tensor::{DType, Tensor};
use mvl_kernels::Convolution;

use super::{computed, learns_on_cpu, numbers};

/// `conv.forward(input)` through this module's operation, where that is what serves: on the CPU, with gradients, in `f32`.
///
/// # Shapes
/// `[N, C, H, W]` → `[N, K, H', W']`
pub(crate) fn learnt_convolution(conv: &Conv2d, input: &Tensor<4>) -> Option<Tensor<4>> {
    let weight = conv.weight.val();
    if !learns_on_cpu(&weight.device()) || [weight.dtype(), input.dtype()] != [DType::F32; 2] {
        return None;
    }
    let padding = match conv.padding {
        PaddingConfig2d::Valid => [(0, 0); 2],
        PaddingConfig2d::Explicit(top, left, bottom, right) => [(top, bottom), (left, right)],
        PaddingConfig2d::Same => return None,
    };
    let [[_, channels, height, width], [out, ..]] = [input.dims(), weight.dims()];
    let convolution = Convolution {
        channels: [channels, out],
        input: [height, width],
        kernel: conv.kernel_size,
        stride: conv.stride,
        padding,
        dilation: conv.dilation,
        groups: conv.groups,
    };
    if !convolution.fits(weight.dims()) {
        return None; // burn says what is wrong
    }
    let output = Dispatch::convolve(input.clone().into_dispatch(), weight.into_dispatch(), convolution);
    let output = Tensor::<4>::from_dispatch(output);
    Some(match &conv.bias {
        Some(bias) => output + bias.val().reshape([1, out, 1, 1]),
        None => output,
    })
}

/// The operation, from the backend to burn's tensors.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait Convolve: Backend {
    /// `[N, C, H, W]`, `[K, C / groups, kernel height, kernel width]` → `[N, K, H', W']`
    fn convolve(images: FloatTensor<Self>, weights: FloatTensor<Self>, convolution: Convolution) -> FloatTensor<Self>;
}

impl Convolve for Flex {
    fn convolve(images: FlexTensor, weights: FlexTensor, convolution: Convolution) -> FlexTensor {
        let [count, ..] = images.shape().dims::<4>();
        let [height, width] = convolution.output();
        computed(&[count, convolution.channels[1], height, width], |output| {
            convolution.forward(numbers(&images.to_contiguous()), numbers(&weights.to_contiguous()), output);
        })
    }
}

impl<C: CheckpointStrategy> Convolve for Autodiff<Flex, C> {
    fn convolve(images: FloatTensor<Self>, weights: FloatTensor<Self>, convolution: Convolution) -> FloatTensor<Self> {
        let prepared = ConvolutionBackward.prepare::<C>([images.node(), weights.node()]).compute_bound().stateful();
        match prepared {
            OpsKind::Tracked(mut prepared) => {
                let state = (prepared.checkpoint(&images), prepared.checkpoint(&weights), convolution);
                let output = Flex::convolve(images.into_primitive(), weights.into_primitive(), convolution);
                prepared.finish(state, output)
            }
            OpsKind::UnTracked(prepared) => {
                prepared.finish(Flex::convolve(images.into_primitive(), weights.into_primitive(), convolution))
            }
        }
    }
}

/// From the gradient of the output to those of images and weights.
#[derive(Debug)]
struct ConvolutionBackward;

impl Backward<Flex, 2> for ConvolutionBackward {
    type State = (NodeId, NodeId, Convolution);

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, checkpointer: &mut Checkpointer) {
        let [images_node, weights_node] = ops.parents;
        let gradient = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let (images, weights, convolution) = ops.state;
        let images: FlexTensor = checkpointer.retrieve_node_output(images);
        let weights: FlexTensor = checkpointer.retrieve_node_output(weights);
        if let Some(node) = images_node {
            let of_images = computed(&images.shape(), |to| {
                convolution.input_gradient(numbers(&weights.to_contiguous()), numbers(&gradient), to);
            });
            gradients.register::<Flex>(node.id, of_images);
        }
        if let Some(node) = weights_node {
            let of_weights = computed(&weights.shape(), |to| {
                convolution.weight_gradient(numbers(&images.to_contiguous()), numbers(&gradient), to);
            });
            gradients.register::<Flex>(node.id, of_weights);
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::conv::Conv2dConfig;
    use burn::tensor::{Device, Distribution, Tolerance};

    use super::*;

    /// The output, and the gradients of input, weights and bias, of a convolution under a loss that weighs every output differently.
    fn learnt(
        conv: &Conv2d,
        input: &Tensor<4>,
        forward: impl FnOnce(&Conv2d, Tensor<4>) -> Tensor<4>,
    ) -> Vec<Tensor<4>> {
        let input = input.clone().require_grad();
        let output = forward(conv, input.clone());
        let gradients = output.clone().sin().sum().backward();
        let bias = conv.bias.as_ref().map(|bias| bias.val());
        let bias = bias.map(|bias| bias.grad(&gradients).expect("of the bias").reshape([1, -1, 1, 1]));
        let weight = conv.weight.val().grad(&gradients).expect("of the weights");
        [output.inner(), input.grad(&gradients).expect("of the input"), weight].into_iter().chain(bias).collect()
    }

    fn agrees(config: &Conv2dConfig, input: [usize; 4]) {
        let device = Device::flex().autodiff();
        let conv = config.init(&device);
        let input = Tensor::random(input, Distribution::Normal(0.0, 1.0), &device);
        let ours = learnt(&conv, &input, |conv, input| learnt_convolution(conv, &input).expect("this operation"));
        let burns = learnt(&conv, &input, Conv2d::forward);
        for (ours, burns) in ours.into_iter().zip(burns) {
            ours.into_data().assert_approx_eq::<f32>(&burns.into_data(), Tolerance::absolute(1e-3));
        }
    }

    #[test]
    fn as_burn_has_it() {
        let padded = PaddingConfig2d::Explicit(1, 1, 1, 1);
        agrees(&Conv2dConfig::new([3, 6], [3, 3]).with_padding(padded.clone()), [5, 3, 9, 8]);
        agrees(&Conv2dConfig::new([3, 6], [3, 3]).with_stride([2, 2]).with_bias(false), [5, 3, 9, 8]);
        agrees(&Conv2dConfig::new([4, 6], [1, 1]).with_stride([2, 1]), [2, 4, 5, 5]);
        agrees(&Conv2dConfig::new([4, 8], [3, 3]).with_groups(2).with_dilation([2, 1]), [2, 4, 9, 9]);
        agrees(
            &Conv2dConfig::new([4, 4], [5, 3]).with_groups(4).with_padding(PaddingConfig2d::Explicit(2, 0, 3, 1)),
            [2, 4, 6, 7],
        );
    }

    /// A frozen convolution passes gradients on, and none is made for its weights.
    #[test]
    fn frozen_weights() {
        let device = Device::flex().autodiff();
        let conv = burn::module::Module::no_grad(Conv2dConfig::new([2, 3], [3, 3]).init(&device));
        let input = Tensor::<4>::ones([2, 2, 5, 5], &device).require_grad();
        let output = learnt_convolution(&conv, &input).expect("this operation");
        let gradients = output.sum().backward();
        assert!(input.grad(&gradients).is_some() && conv.weight.val().grad(&gradients).is_none());
    }

    /// Without gradients, in another type or with what this operation does not know, burn's own way is taken.
    #[test]
    fn burns_own_way() {
        let plain = Conv2dConfig::new([2, 3], [3, 3]);
        let taken = |config: &Conv2dConfig, input: [usize; 4], device: &Device| {
            learnt_convolution(&config.init(device), &Tensor::ones(input, device)).is_some()
        };
        let learning = Device::flex().autodiff();
        assert!(taken(&plain, [1, 2, 3, 3], &learning));
        assert!(!taken(&plain, [1, 2, 3, 3], &Device::flex()), "nothing is learnt");
        assert!(!taken(&plain, [1, 3, 3, 3], &learning), "channels that do not fit");
        assert!(!taken(&plain, [1, 2, 2, 3], &learning), "smaller than the kernel");
        assert!(!taken(&plain.clone().with_padding(PaddingConfig2d::Same), [1, 2, 3, 3], &learning), "padding by size");
    }
}
