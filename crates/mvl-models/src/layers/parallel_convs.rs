//! Convolutions side by side, made one: kernels are brought to one size and added. With
//! [`fold_batch_norm`](super::fold_batch_norm) it is what RepVGG calls structural re-parameterisation (Ding, Zhang, Ma, Han,
//! Ding, Sun 2021, <https://arxiv.org/abs/2101.03697>, section 3.3). For inference: parameters are new, without autodiff.

use burn::module::{Initializer, Param};
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::{Device, Tensor};

/// The same convolution with a larger kernel, zeros around the old one, and as much more padding.
///
/// # Panics
/// If the kernel cannot grow evenly on both sides, or the padding is `Same`.
#[must_use]
pub fn enlarge_kernel(conv: Conv2d, kernel: [usize; 2]) -> Conv2d {
    let [rows, columns] = [0, 1].map(|axis| {
        let more = kernel[axis].checked_sub(conv.kernel_size[axis]);
        more.filter(|more| more.is_multiple_of(2))
            .unwrap_or_else(|| panic!("a kernel {:?} cannot be in the middle of {kernel:?}", conv.kernel_size))
            / 2
    });
    let [more_rows, more_columns] = [rows * conv.dilation[0], columns * conv.dilation[1]];
    let (top, left, bottom, right) = match conv.padding {
        PaddingConfig2d::Explicit(top, left, bottom, right) => (top, left, bottom, right),
        PaddingConfig2d::Valid => (0, 0, 0, 0),
        PaddingConfig2d::Same => panic!("expected padding in numbers"),
    };
    let weight = conv.weight.val().pad((columns, columns, rows, rows), 0.0); // [K, C / groups, height, width]
    Conv2d {
        weight: Param::from_tensor(weight),
        kernel_size: kernel,
        padding: PaddingConfig2d::Explicit(
            top + more_rows,
            left + more_columns,
            bottom + more_rows,
            right + more_columns,
        ),
        ..conv
    }
}

/// A 1×1 convolution whose output is its input.
///
/// # Panics
/// If the groups do not divide the channels.
#[must_use]
pub fn identity_conv(channels: usize, groups: usize, device: &Device) -> Conv2d {
    assert!(channels.is_multiple_of(groups), "{groups} groups do not divide {channels} channels");
    let width = channels / groups;
    let weight = Tensor::<2>::eye(width, device).repeat_dim(0, groups).reshape([channels, width, 1, 1]);
    let conv = Conv2dConfig::new([channels; 2], [1; 2]).with_groups(groups).with_bias(false);
    let conv = conv.with_initializer(Initializer::Zeros).init(device);
    Conv2d { weight: Param::from_tensor(weight), ..conv }
}

/// One convolution that answers with the sum of what these answer.
///
/// # Panics
/// If there are none, or they differ in kernel, stride, dilation or groups.
#[must_use]
pub fn sum_convs(convs: impl IntoIterator<Item = Conv2d>) -> Conv2d {
    let shape = |conv: &Conv2d| (conv.kernel_size, conv.stride, conv.dilation, conv.groups, conv.weight.shape());
    let sum = convs.into_iter().reduce(|sum, conv| {
        assert_eq!(shape(&sum), shape(&conv), "only convolutions of one shape can be added");
        let bias = match (&sum.bias, &conv.bias) {
            (Some(one), Some(other)) => Some(Param::from_tensor(one.val() + other.val())),
            (one, other) => one.clone().or(other.clone()),
        };
        Conv2d { weight: Param::from_tensor(sum.weight.val() + conv.weight.val()), bias, ..sum }
    });
    sum.expect("at least one convolution")
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;
    use mvl_core::{Backend, Cpu};

    use super::*;

    fn difference(one: Tensor<4>, other: Tensor<4>) -> f32 {
        (one - other).abs().max().into_scalar::<f32>()
    }

    #[test]
    fn the_identity_in_a_larger_kernel_is_the_identity() {
        let device = Cpu::device(0).expect("a CPU");
        let images = Tensor::random([2, 6, 5, 4], Distribution::Normal(0.0, 1.0), &device);
        for groups in [1, 2, 3, 6] {
            let conv = enlarge_kernel(identity_conv(6, groups, &device), [3, 5]);
            assert_eq!(difference(conv.forward(images.clone()), images.clone()), 0.0, "{groups} groups");
        }
    }

    #[test]
    fn a_sum_answers_with_the_sum() {
        let device = Cpu::device(0).expect("a CPU");
        let images = Tensor::random([2, 4, 7, 6], Distribution::Normal(0.0, 1.0), &device);
        let conv = |kernel: usize, bias| {
            let padding = PaddingConfig2d::Explicit(kernel / 2, kernel / 2, kernel / 2, kernel / 2);
            let config = Conv2dConfig::new([4, 6], [kernel; 2]).with_stride([2, 2]).with_groups(2).with_bias(bias);
            config.with_padding(padding).init(&device)
        };
        let (large, small) = (conv(3, false), conv(1, true));
        let expected = large.forward(images.clone()) + small.forward(images.clone());
        let one = sum_convs([large, enlarge_kernel(small, [3, 3])]);
        assert!(difference(one.forward(images), expected) < 1e-5);
    }
}
