//! The block: `relu(3×3 + 1×1 + identity)`, each with its normalisation, or one 3×3 convolution that answers the same.
//! `[N, C, H, W]` → `[N, C', H / stride, W / stride]`

use burn::config::Config;
use burn::module::{Module, Param};
use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, BatchNormConfig};
use burn::tensor::{Device, Tensor, activation};
use mvl_core::{Fusable, Fuse, MixedForward};

use crate::layers::{
    Activation, ConvNormAct, ConvNormActConfig, enlarge_kernel, fold_batch_norm, identity_conv, sum_convs,
};

const KERNEL: [usize; 2] = [3, 3];

/// Configuration of a [`RepVggBlock`].
#[derive(Config, Debug)]
pub struct RepVggBlockConfig {
    /// Input and output channels.
    pub channels: [usize; 2],
    /// Step along each side.
    #[config(default = 1)]
    pub stride: usize,
    /// Groups of both convolutions.
    #[config(default = 1)]
    pub groups: usize,
}

/// The block, of which [`fuse`](mvl_core::fuse()) makes one convolution.
pub type RepVggBlock = Fusable<RepVggBranches>;

/// What a [`RepVggBlock`] is made of: parallel branches, or one convolution in their place.
#[derive(Module, Debug)]
pub struct RepVggBranches {
    identity: Option<BatchNorm>,
    conv_kxk: Option<ConvNormAct>,
    conv_1x1: Option<ConvNormAct>,
    reparam_conv: Option<Conv2d>,
}

impl RepVggBlockConfig {
    /// Creates the block with its branches; there is an identity where size and channels stay.
    ///
    /// # Panics
    /// If the groups do not divide the channels.
    pub fn init(&self, device: &Device) -> RepVggBlock {
        let [input, output] = self.channels;
        let conv = |kernel| {
            let config = ConvNormActConfig::new(self.channels, kernel).with_activation(Activation::Identity);
            config.with_stride(self.stride).with_groups(self.groups).init(device)
        };
        Fusable::new(RepVggBranches {
            identity: (input == output && self.stride == 1).then(|| BatchNormConfig::new(output).init(device)),
            conv_kxk: Some(conv(KERNEL)),
            conv_1x1: Some(conv([1, 1])),
            reparam_conv: None,
        })
    }
}

impl RepVggBranches {
    /// # Shapes
    /// `[N, C, H, W]` → `[N, C', H / stride, W / stride]`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let answers = [
            self.reparam_conv.as_ref().map(|conv| conv.forward_mixed(input.clone())),
            self.conv_kxk.as_ref().map(|conv| conv.forward(input.clone())),
            self.conv_1x1.as_ref().map(|conv| conv.forward(input.clone())),
            self.identity.as_ref().map(|norm| norm.forward_mixed(input)),
        ];
        let sum = answers.into_iter().flatten().reduce(|sum, answer| sum + answer);
        activation::relu(sum.expect("a block has branches or their sum"))
    }
}

impl Fuse for RepVggBranches {
    fn fuse(self) -> Self {
        if self.reparam_conv.is_some() {
            return self;
        }
        let folded = |branch: ConvNormAct| branch.into_inner().fuse().conv;
        let convs: Vec<Conv2d> = [self.conv_kxk, self.conv_1x1].into_iter().flatten().map(folded).collect();
        let identity = self.identity.map(|norm| {
            let (channels, groups) = (norm.gamma.dims()[0], convs[0].groups);
            let mut conv = identity_conv(channels, groups, &norm.gamma.device());
            conv.weight = Param::from_tensor(conv.weight.val().cast(convs[0].weight.val().dtype()));
            fold_batch_norm(conv, &norm)
        });
        let convs = convs.into_iter().chain(identity).map(|conv| enlarge_kernel(conv, KERNEL));
        Self { identity: None, conv_kxk: None, conv_1x1: None, reparam_conv: Some(sum_convs(convs)) }
    }
}

#[cfg(test)]
mod tests {
    use burn::module::{Param, RunningState};
    use burn::tensor::Distribution;
    use mvl_core::{Backend, Cpu, fuse};

    use super::*;

    fn trained(norm: BatchNorm) -> BatchNorm {
        let device = norm.gamma.device();
        let channels = norm.gamma.dims();
        let random = |low, high| Tensor::<1>::random(channels, Distribution::Uniform(low, high), &device);
        BatchNorm {
            gamma: Param::from_tensor(random(-2.0, 2.0)),
            beta: Param::from_tensor(random(-1.0, 1.0)),
            running_mean: RunningState::new(random(-1.0, 1.0)),
            running_var: RunningState::new(random(0.5, 4.0)),
            ..norm
        }
    }

    #[test]
    fn one_convolution_answers_as_the_branches() {
        let device = Cpu::device(0).expect("a CPU");
        device.seed(0);
        for (channels, stride, groups, with_identity) in
            [([4, 4], 1, 1, true), ([4, 4], 1, 2, true), ([4, 6], 1, 2, false), ([4, 4], 2, 1, false)]
        {
            let mut block = RepVggBlockConfig::new(channels).with_stride(stride).with_groups(groups).init(&device);
            assert_eq!(block.identity.is_some(), with_identity);
            block.identity = block.identity.take().map(trained);
            let RepVggBranches { conv_kxk, conv_1x1, .. } = &mut *block;
            for branch in [conv_kxk, conv_1x1].into_iter().flatten() {
                branch.norm = branch.norm.take().map(trained);
            }
            let fused = fuse(&block);
            assert_eq!(fused.num_params(), channels[0] / groups * channels[1] * 9 + channels[1]);
            let images = Tensor::random([2, channels[0], 7, 6], Distribution::Normal(0.0, 1.0), &device);
            let difference = (block.forward(images.clone()) - fused.forward(images)).abs().max().into_scalar::<f32>();
            assert!(difference < 1e-5, "{channels:?}, stride {stride}, {groups} groups: {difference}");
        }
    }
}
