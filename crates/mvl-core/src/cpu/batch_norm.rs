//! Batch normalisation by the statistics of the batch, over [`mvl_kernels`]: burn's is made of a score of passes and copies.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::nn::BatchNorm;
use burn::tensor::{DType, Tensor};
use mvl_kernels::{batch_norm_gradient, batch_norm_sums, channel_moments, scale_channels};

use super::{computed, learns_on_cpu, numbers, tensor};

/// `norm.forward(input)` through this module's operation, where that is what serves: on the CPU, by the batch's statistics, in `f32`.
///
/// # Shapes
/// `[N, C, …]` → the same
pub(crate) fn learnt_batch_norm<const D: usize>(norm: &BatchNorm, input: &Tensor<D>) -> Option<Tensor<D>> {
    let device = input.device();
    let (gamma, beta) = (norm.gamma.val(), norm.beta.val());
    let learns = learns_on_cpu(&device) && norm.training.is_enabled();
    let plain = [input.dtype(), gamma.dtype(), beta.dtype()] == [DType::F32; 3];
    let fits = D >= 2 && [input.dims()[1]] == gamma.dims() && input.shape().num_elements() > 0;
    if !(learns && plain && fits) {
        return None;
    }
    let (output, mean, variance) = Dispatch::normalise_batch(
        input.clone().into_dispatch(),
        gamma.into_dispatch(),
        beta.into_dispatch(),
        norm.epsilon,
    );
    for (running, of_batch) in [(&norm.running_mean, mean), (&norm.running_var, variance)] {
        let kept = running.value_sync().to_device(&device).mul_scalar(1.0 - norm.momentum);
        let of_batch = Tensor::<1>::from_dispatch(of_batch).detach();
        running.update(kept.add(of_batch.mul_scalar(norm.momentum)).detach());
    }
    Some(Tensor::from_dispatch(output))
}

/// The operation, from the backend to burn's tensors.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait NormaliseBatch: Backend {
    /// `[N, C, …]`, two of `[C]` → the same as the first; mean and variance of each channel
    fn normalise_batch(
        images: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

impl NormaliseBatch for Flex {
    fn normalise_batch(
        images: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        epsilon: f64,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let [images, gamma, beta] = [images, gamma, beta].map(|tensor| tensor.to_contiguous());
        let [channels, area] = sides(&images);
        let (mean, variance) = channel_moments(numbers(&images), channels, area);
        let scale: Vec<f32> =
            numbers(&gamma).iter().zip(&variance).map(|(gamma, v)| gamma * inverse(*v, epsilon)).collect();
        let shift: Vec<f32> = numbers(&beta)
            .iter()
            .zip(mean.iter().zip(&scale))
            .map(|(beta, (mean, scale))| beta - mean * scale)
            .collect();
        let output = computed(&images.shape(), |to| scale_channels(numbers(&images), area, &scale, &shift, to));
        (output, tensor(mean, &[channels]), tensor(variance, &[channels]))
    }
}

impl<C: CheckpointStrategy> NormaliseBatch for Autodiff<Flex, C> {
    fn normalise_batch(
        images: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = [images.node(), gamma.node(), beta.node()];
        let compute = |images: FloatTensor<Self>, gamma: FloatTensor<Self>, beta: FloatTensor<Self>| {
            Flex::normalise_batch(images.into_primitive(), gamma.into_primitive(), beta.into_primitive(), epsilon)
        };
        let (output, mean, variance) = match BatchNormBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut prepared) => {
                let kept = (prepared.checkpoint(&images), prepared.checkpoint(&gamma));
                let (output, mean, variance) = compute(images, gamma, beta);
                (prepared.finish((kept, mean.clone(), variance.clone(), epsilon), output), mean, variance)
            }
            OpsKind::UnTracked(prepared) => {
                let (output, mean, variance) = compute(images, gamma, beta);
                (prepared.finish(output), mean, variance)
            }
        };
        (output, Self::from_inner(mean), Self::from_inner(variance))
    }
}

/// From the gradient of the output to those of images, gamma and beta.
#[derive(Debug)]
struct BatchNormBackward;

impl Backward<Flex, 3> for BatchNormBackward {
    /// Images and gamma; the batch's mean and variance; epsilon.
    type State = ((NodeId, NodeId), FlexTensor, FlexTensor, f64);

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, checkpointer: &mut Checkpointer) {
        let [images_node, gamma_node, beta_node] = ops.parents;
        let gradient = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let ((images, gamma), mean, variance, epsilon) = ops.state;
        let images = checkpointer.retrieve_node_output::<FlexTensor>(images).to_contiguous();
        let gamma = checkpointer.retrieve_node_output::<FlexTensor>(gamma).to_contiguous();
        let [channels, area] = sides(&images);
        let (x, mean) = (numbers(&images), numbers(&mean));
        let inverses: Vec<f32> = numbers(&variance).iter().map(|variance| inverse(*variance, epsilon)).collect();
        let (of_beta, of_gamma) = batch_norm_sums(x, area, mean, &inverses, numbers(&gradient));
        if let Some(node) = images_node {
            let count = (x.len() / channels) as f32;
            let factors: Vec<[f32; 4]> = (0..channels)
                .map(|c| {
                    let scale = numbers(&gamma)[c] * inverses[c];
                    [scale, mean[c], -scale * inverses[c] * of_gamma[c] / count, -scale * of_beta[c] / count]
                })
                .collect();
            let of_images =
                computed(&images.shape(), |to| batch_norm_gradient(x, area, numbers(&gradient), &factors, to));
            gradients.register::<Flex>(node.id, of_images);
        }
        if let Some(node) = gamma_node {
            gradients.register::<Flex>(node.id, tensor(of_gamma, &[channels]));
        }
        if let Some(node) = beta_node {
            gradients.register::<Flex>(node.id, tensor(of_beta, &[channels]));
        }
    }
}

/// One over the standard deviation.
fn inverse(variance: f32, epsilon: f64) -> f32 {
    (1.0 / (f64::from(variance) + epsilon).sqrt()) as f32
}

/// Channels, and numbers of each in an image.
fn sides(images: &FlexTensor) -> [usize; 2] {
    let shape = images.shape();
    [shape[1], shape[2..].iter().product()]
}

#[cfg(test)]
mod tests {
    use burn::nn::BatchNormConfig;
    use burn::tensor::{Device, Distribution, Int, Tolerance};

    use super::*;

    /// The output, the gradients of input, gamma and beta under a loss that weighs every output differently, and the running statistics.
    fn learnt<const D: usize>(
        norm: &BatchNorm,
        input: &Tensor<D>,
        forward: impl FnOnce(&BatchNorm, Tensor<D>) -> Tensor<D>,
    ) -> Vec<Tensor<1>> {
        let input = input.clone().require_grad();
        let output = forward(norm, input.clone());
        let gradients = output.clone().sin().sum().backward();
        let of = |param: &burn::module::Param<Tensor<1>>| param.val().grad(&gradients).expect("of gamma and beta");
        vec![
            output.inner().flatten(0, D - 1),
            input.grad(&gradients).expect("of the input").flatten(0, D - 1),
            of(&norm.gamma),
            of(&norm.beta),
            norm.running_mean.value_sync().inner(),
            norm.running_var.value_sync().inner(),
        ]
    }

    fn agrees<const D: usize>(shape: [usize; D]) {
        let device = Device::flex().autodiff();
        let make = || {
            let norm = BatchNormConfig::new(shape[1]).init(&device);
            let spread = Tensor::<1, Int>::arange(1..shape[1] as i64 + 1, &device).float() * 0.3;
            BatchNorm {
                gamma: norm.gamma.map(|_| spread.clone().require_grad()),
                beta: norm.beta.map(|_| spread.require_grad()),
                ..norm
            }
        };
        let input = Tensor::<D>::random(shape, Distribution::Normal(3.0, 2.0), &device);
        let ours = learnt(&make(), &input, |norm, input| learnt_batch_norm(norm, &input).expect("this operation"));
        let burns = learnt(&make(), &input, BatchNorm::forward);
        for (ours, burns) in ours.into_iter().zip(burns) {
            ours.into_data().assert_approx_eq::<f32>(&burns.into_data(), Tolerance::rel_abs(1e-5, 1e-4));
        }
    }

    #[test]
    fn as_burn_has_it() {
        agrees([4, 3, 5, 7]);
        agrees([64, 2, 16, 16]);
        agrees([9, 3]);
        agrees([3, 2, 40]);
    }

    #[test]
    fn burns_own_way() {
        let learning = Device::flex().autodiff();
        let taken = |shape: [usize; 4], device: &Device| {
            learnt_batch_norm(&BatchNormConfig::new(2).init(device), &Tensor::<4>::ones(shape, device)).is_some()
        };
        assert!(taken([1, 2, 3, 3], &learning));
        assert!(!taken([1, 2, 3, 3], &Device::flex()), "nothing is learnt");
        assert!(!taken([1, 3, 3, 3], &learning), "channels that do not fit");
        assert!(!taken([0, 2, 3, 3], &learning), "nothing to take a mean of");
    }
}
