//! Attention inside windows, which may be moved. `[N, H, W, C]` → `[N, H, W, C]`

use burn::config::Config;
use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, activation, module::linear};
use mvl_core::{MixedForward, in_type_of};

use super::net::SwinVersion;
use super::positions::RelativePositions;
use super::shift::WindowPlan;
use crate::layers::{join_windows, split_windows, transformer_linear};

/// Added to the scores of cells that are strangers.
const STRANGE: f64 = -100.0;

/// Configuration of a [`WindowAttention`].
#[derive(Config, Debug)]
pub struct WindowAttentionConfig {
    /// Which paper's.
    pub version: SwinVersion,
    /// Width of a cell.
    pub channels: usize,
    /// Heads; they divide the channels.
    pub heads: usize,
    /// Cells along a window's side.
    pub window: usize,
    /// Cells by which windows are moved, along sides that have more than one.
    #[config(default = 0)]
    pub shift: usize,
}

/// Every cell asks those of its window.
#[derive(Module, Debug)]
pub struct WindowAttention {
    qkv: Linear,
    proj: Linear,
    positions: RelativePositions,
    heads: usize,
    window: usize,
    shift: usize,
}

impl WindowAttentionConfig {
    /// Creates the layer.
    ///
    /// # Panics
    /// If the heads do not divide the channels.
    pub fn init(&self, device: &Device) -> WindowAttention {
        let Self { version, channels, heads, window, shift } = *self;
        assert!(channels.is_multiple_of(heads), "{heads} heads do not divide {channels} channels");
        WindowAttention {
            qkv: transformer_linear([channels, 3 * channels], true, device),
            proj: transformer_linear([channels; 2], true, device),
            positions: match version {
                SwinVersion::V1 => RelativePositions::table(window, heads, device),
                SwinVersion::V2 => RelativePositions::continuous(window, heads, device),
            },
            heads,
            window,
            shift,
        }
    }
}

impl WindowAttention {
    /// # Shapes
    /// `[N, H, W, C]` → `[N, H, W, C]`
    #[must_use]
    pub fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        let [_, height, width, channels] = map.dims();
        let plan = WindowPlan::new([height, width], self.window, self.shift);
        let windows = split_windows(roll(pad(map, plan.padded), plan.shift), [self.window; 2]);
        let [count, length, _] = windows.dims();
        let qkv = self.project(windows).reshape([count, length, 3, self.heads, channels / self.heads]);
        let [q, k, v] = [0, 1, 2].map(|which| {
            let part: Tensor<4> = qkv.clone().narrow(2, which, 1).squeeze_dim(2); // [windows, L, heads, C / heads]
            part.swap_dims(1, 2) // [windows, heads, L, C / heads]
        });
        let scores = part_strangers(self.positions.scores(q, k), &plan); // [windows, heads, L, L]
        let answers = activation::softmax(scores, 3).matmul(v); // [windows, heads, L, C / heads]
        let answers = self.proj.forward_mixed(answers.swap_dims(1, 2).reshape([count, length, channels]));
        let back = [0, 1].map(|axis| (plan.padded[axis] - plan.shift[axis]) % plan.padded[axis]);
        let map = roll(join_windows(answers, [self.window; 2], plan.padded), back);
        if plan.padded == [height, width] { map } else { map.narrow(1, 0, height).narrow(2, 0, width) }
    }

    /// To queries, keys and values. Version 2's file has a bias of keys, which counts as zero.
    fn project(&self, windows: Tensor<3>) -> Tensor<3> {
        let Some(bias) = self.qkv.bias.as_ref().filter(|_| self.positions.is_continuous()) else {
            return self.qkv.forward_mixed(windows);
        };
        let bias = bias.val();
        let third = bias.dims()[0] / 3;
        let none = bias.clone().narrow(0, third, third).zeros_like();
        let bias = Tensor::cat(vec![bias.clone().narrow(0, 0, third), none, bias.narrow(0, 2 * third, third)], 0);
        in_type_of(&self.qkv.weight, windows, |windows| linear(windows, self.qkv.weight.val(), Some(bias)))
    }
}

/// Zeros below and to the right.
fn pad(map: Tensor<4>, padded: [usize; 2]) -> Tensor<4> {
    let [_, height, width, _] = map.dims();
    if [height, width] == padded {
        return map;
    }
    map.pad([(0, 0), (0, padded[0] - height), (0, padded[1] - width), (0, 0)], 0.0)
}

/// Rows move up and columns left, and come back at the other border.
fn roll(map: Tensor<4>, shift: [usize; 2]) -> Tensor<4> {
    let sides = map.dims();
    [1, 2].into_iter().zip(shift).filter(|(_, shift)| *shift > 0).fold(map, |map, (axis, shift)| {
        let first = map.clone().narrow(axis, 0, shift);
        Tensor::cat(vec![map.narrow(axis, shift, sides[axis] - shift), first], axis)
    })
}

fn part_strangers(scores: Tensor<4>, plan: &WindowPlan) -> Tensor<4> {
    if !plan.is_shifted() {
        return scores;
    }
    let [count, heads, length, _] = scores.dims();
    let strangers = plan.strangers(&scores.device());
    let mask = (strangers.float() * STRANGE).cast(scores.dtype()); // [1, windows, 1, L, L]
    let windows = plan.windows();
    let scores: Tensor<5> = scores.reshape([count / windows, windows, heads, length, length]);
    (scores + mask).reshape([count, heads, length, length])
}
