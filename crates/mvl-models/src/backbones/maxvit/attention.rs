//! Attention inside groups of cells and a multi-layer perceptron, each added to its input. `[N, H, W, C]` → `[N, H, W, C]`

use burn::config::Config;
use burn::module::{Initializer, Module, Param, ParamId};
use burn::nn::{LayerNorm, LayerNormConfig, Linear};
use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use mvl_core::MixedForward;

use super::partition::Partition;
use crate::layers::{Activation, DropPath, Mlp, relative_position_bias, relative_position_index, transformer_linear};

/// Added to the variance.
pub(super) const EPSILON: f64 = 1e-5;
const EXPANSION: usize = 4;

/// Configuration of a [`PartitionAttention`].
#[derive(Config, Debug)]
pub struct PartitionAttentionConfig {
    /// Which cells attend to each other.
    pub partition: Partition,
    /// Cells along a group's side.
    pub side: usize,
    /// Heads.
    pub heads: usize,
    /// Channels of a head.
    pub head_channels: usize,
    /// Share of the samples that leave a branch out in training.
    #[config(default = 0.0)]
    pub drop_path: f64,
}

/// Every cell asks those of its group.
#[derive(Module, Debug)]
struct GroupAttention {
    /// `[(2 · side - 1)², heads]`
    relative_position_bias_table: Param<Tensor<2>>,
    /// `[L, L]`, a constant
    buffer_relative_position_index: Param<Tensor<2, Int>>,
    to_qkv: Linear,
    merge: Linear,
    heads: usize,
}

/// Attention inside groups and a multi-layer perceptron, with normalisations before them.
#[derive(Module, Debug)]
pub struct PartitionAttention {
    norm1: LayerNorm,
    attn: GroupAttention,
    norm2: LayerNorm,
    mlp: Mlp,
    drop_path: DropPath,
    side: usize,
    #[module(skip)]
    partition: Partition,
}

impl PartitionAttentionConfig {
    /// Creates the layer.
    pub fn init(&self, device: &Device) -> PartitionAttention {
        let channels = self.heads * self.head_channels;
        let norm = || LayerNormConfig::new(channels).with_epsilon(EPSILON).init(device);
        PartitionAttention {
            norm1: norm(),
            attn: GroupAttention::new(channels, self.heads, self.side, device),
            norm2: norm(),
            mlp: Mlp::new(channels, EXPANSION * channels, Activation::Gelu, device),
            drop_path: DropPath::new(self.drop_path),
            side: self.side,
            partition: self.partition,
        }
    }
}

impl PartitionAttention {
    /// # Shapes
    /// `[N, H, W, C]` → `[N, H, W, C]`
    ///
    /// # Panics
    /// If the groups' side does not divide the map's.
    #[must_use]
    pub fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        let [_, height, width, _] = map.dims();
        let cells = self.partition.split(map, self.side); // [N, groups, L, C]
        let answers = self.attn.forward(self.norm1.forward_mixed(cells.clone()));
        let cells = cells + self.drop_path.forward(answers);
        let answers = self.mlp.forward(self.norm2.forward_mixed(cells.clone()));
        let cells = cells + self.drop_path.forward(answers);
        self.partition.join(cells, self.side, [height, width])
    }
}

impl GroupAttention {
    fn new(channels: usize, heads: usize, side: usize, device: &Device) -> Self {
        let steps = (2 * side - 1) * (2 * side - 1);
        let index = TensorData::new(relative_position_index([side; 2]), [side * side; 2]);
        Self {
            relative_position_bias_table: Initializer::Normal { mean: 0.0, std: 0.02 }.init([steps, heads], device),
            buffer_relative_position_index: Param::initialized(ParamId::new(), Tensor::from_data(index, device)),
            to_qkv: transformer_linear([channels, 3 * channels], true, device),
            merge: transformer_linear([channels; 2], true, device),
            heads,
        }
    }

    /// Scores are scaled by the root of all channels, not of a head's: so does torchvision.
    ///
    /// # Shapes
    /// `[N, groups, L, C]` → `[N, groups, L, C]`
    fn forward(&self, cells: Tensor<4>) -> Tensor<4> {
        let [count, groups, length, channels] = cells.dims();
        let all = count * groups;
        let qkv = self.to_qkv.forward_mixed(cells).reshape([all, length, 3, self.heads, channels / self.heads]);
        let [q, k, v] = [0, 1, 2].map(|which| {
            let part: Tensor<4> = qkv.clone().narrow(2, which, 1).squeeze_dim(2); // [all, L, heads, C / heads]
            part.swap_dims(1, 2) // [all, heads, L, C / heads]
        });
        let index = self.buffer_relative_position_index.val().flatten(0, 1);
        let bias = relative_position_bias(self.relative_position_bias_table.val(), index, length);
        let scores = q.matmul((k * (channels as f64).powf(-0.5)).swap_dims(2, 3)) + bias; // [all, heads, L, L]
        let answers = activation::softmax(scores, 3).matmul(v); // [all, heads, L, C / heads]
        self.merge.forward_mixed(answers.swap_dims(1, 2).reshape([count, groups, length, channels]))
    }
}
