//! The unit: at stride 1 half of the channels pass, the other half are convolved; at stride 2 all go both ways. Then channels are
//! shuffled. `[N, C, H, W]` → `[N, C', H / stride, W / stride]`

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::layers::{Activation, ConvNormAct, ConvNormActConfig};

/// The paper's figure 3 c and d.
#[derive(Module, Debug)]
pub struct ShuffleUnit {
    branch1: Vec<ConvNormAct>,
    branch2: Vec<ConvNormAct>,
}

impl ShuffleUnit {
    /// The unit that halves the map and changes the channels.
    pub(super) fn halving([input, output]: [usize; 2], device: &Device) -> Self {
        let half = output / 2;
        let branch1 = [depthwise(input, 2), pointwise([input, half])];
        Self {
            branch1: branch1.map(|config| config.init(device)).into(),
            branch2: Self::branch([input, half], 2, device),
        }
    }

    /// The unit that keeps size and channels, which are even.
    pub(super) fn keeping(channels: usize, device: &Device) -> Self {
        Self { branch1: Vec::new(), branch2: Self::branch([channels / 2; 2], 1, device) }
    }

    fn branch([input, output]: [usize; 2], stride: usize, device: &Device) -> Vec<ConvNormAct> {
        let configs = [pointwise([input, output]), depthwise(output, stride), pointwise([output; 2])];
        configs.map(|config| config.init(device)).into()
    }

    /// # Shapes
    /// `[N, C, H, W]` → `[N, C', H / stride, W / stride]`
    #[must_use]
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let through = |branch: &[ConvNormAct], map| branch.iter().fold(map, |map, conv| conv.forward(map));
        let [left, right] = if self.branch1.is_empty() {
            let half = input.dims()[1] / 2;
            [input.clone().narrow(1, 0, half), input.narrow(1, half, half)]
        } else {
            [through(&self.branch1, input.clone()), input]
        };
        shuffle_channels(Tensor::cat(vec![left, through(&self.branch2, right)], 1), 2)
    }
}

fn pointwise(channels: [usize; 2]) -> ConvNormActConfig {
    ConvNormActConfig::new(channels, [1; 2])
}

fn depthwise(channels: usize, stride: usize) -> ConvNormActConfig {
    let config = ConvNormActConfig::new([channels; 2], [3; 2]).with_activation(Activation::Identity);
    config.with_groups(channels).with_stride(stride)
}

/// The first channels of all groups, then the second ones, and so on.
///
/// # Shapes
/// `[N, C, H, W]` → `[N, C, H, W]`
///
/// # Panics
/// If the groups do not divide the channels.
#[must_use]
pub fn shuffle_channels(map: Tensor<4>, groups: usize) -> Tensor<4> {
    let [count, channels, height, width] = map.dims();
    assert!(channels.is_multiple_of(groups), "{groups} groups do not divide {channels} channels");
    let grouped: Tensor<5> = map.reshape([count, groups, channels / groups, height, width]);
    grouped.swap_dims(1, 2).reshape([count, channels, height, width])
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;
    use mvl_core::{Backend, Cpu};

    use super::*;

    #[test]
    fn groups_are_interleaved() {
        let device = Cpu::device(0).expect("a CPU");
        let map = Tensor::<1>::from_floats([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], &device).reshape([1, 6, 1, 1]);
        let expected = TensorData::new(vec![0.0f32, 3.0, 1.0, 4.0, 2.0, 5.0], [1, 6, 1, 1]);
        shuffle_channels(map, 2).into_data().assert_eq(&expected, true);
    }
}
