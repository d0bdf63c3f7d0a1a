//! Weighted bidirectional pyramid: layers that pass down and up again, in which learnt weights say how much each map counts. Tan,
//! Pang, Le 2019 (EfficientDet), <https://arxiv.org/abs/1911.09070>. Maps `[N, Cᵢ, Hᵢ, Wᵢ]` → maps `[N, width, Hᵢ, Wᵢ]` and coarser
//! ones.
//!
//! One projection serves a level on both ways; the authors' code has two on the levels in the middle.

use burn::config::Config;
use burn::module::{Initializer, Module, Param};
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::tensor::{Device, Tensor, activation};
use mvl_core::{Features, MixedForward, ModelError, Neck, Tap, TapSet};
use serde::{Deserialize, Serialize};

use super::levels::{Level, Levels, check_width, hand_on, nearest, pyramid_taps, reads, size};
use crate::layers::{Activation, ConvNormAct, ConvNormActConfig};

const NAME: &str = "bifpn";
/// Added to the sum of a node's weights.
const EPSILON: f64 = 1e-4;
/// EfficientDet's normalisations.
const NORM_EPSILON: f64 = 1e-3;
const NORM_MOMENTUM: f64 = 0.01;
const MAX_LAYERS: usize = 32;
const MAX_EXTRA: usize = 4;

/// Configuration of a [`BiFpn`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BiFpnConfig {
    /// Which maps it reads.
    pub levels: Levels,
    /// Channels of every map it gives.
    pub width: usize,
    /// How often it passes down and up.
    pub layers: usize,
    /// Levels coarser than the backbone's, by max pools.
    pub extra: usize,
}

impl Default for BiFpnConfig {
    /// EfficientDet-D0's: strides 8 to 128.
    fn default() -> Self {
        Self { levels: Levels::Coarsest(3), width: 64, layers: 3, extra: 2 }
    }
}

/// Projections to one width, and layers of weighted fusion.
#[derive(Module, Debug)]
pub struct BiFpn {
    laterals: Vec<ConvNormAct>,
    extra: Option<ConvNormAct>,
    layers: Vec<BiFpnLayer>,
    pool: MaxPool2d,
    #[module(skip)]
    levels: Vec<Level>,
    #[module(skip)]
    taps: Vec<Tap>,
}

impl BiFpnConfig {
    /// Creates the neck for a backbone with these taps.
    ///
    /// # Errors
    /// [`ModelError::Mismatch`] when it has no such maps or fewer than two levels would come of them,
    /// [`ModelError::InvalidOptions`] for absurd counts.
    pub fn build(&self, backbone: &str, taps: &[Tap], device: &Device) -> Result<BiFpn, ModelError> {
        check_width(NAME, "width", self.width)?;
        for (field, value, fewest, most) in
            [("layers", self.layers, 1, MAX_LAYERS), ("extra", self.extra, 0, MAX_EXTRA)]
        {
            if !(fewest..=most).contains(&value) {
                let what = format!("{field}: expected {fewest} to {most}, got {value}");
                return Err(ModelError::InvalidOptions { owner: NAME.to_owned(), what });
            }
        }
        let levels = self.levels.choose(NAME, backbone, taps)?;
        let count = levels.len() + self.extra;
        if count < 2 {
            let what = format!("expected 2 levels or more, got one at stride {}", levels[0].stride);
            return Err(ModelError::Mismatch { head: NAME.to_owned(), backbone: backbone.to_owned(), what });
        }
        let project = |channels: usize| projection([channels, self.width]).init(device);
        let last = levels[levels.len() - 1].channels;
        Ok(BiFpn {
            laterals: levels.iter().map(|level| project(level.channels)).collect(),
            extra: (self.extra > 0).then(|| project(last)),
            layers: (0..self.layers).map(|_| BiFpnLayerConfig::new(count, self.width).init(device)).collect(),
            pool: pool(),
            taps: pyramid_taps(&levels, self.extra, self.width),
            levels,
        })
    }
}

impl Neck for BiFpn {
    fn reads(&self) -> TapSet {
        reads(&self.levels)
    }

    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn forward(&self, mut features: Features) -> Features {
        let maps: Vec<_> = self.levels.iter().map(|level| features.take_map(level.tap)).collect();
        let mut pyramid: Vec<_> =
            maps.iter().zip(&self.laterals).map(|(map, lateral)| lateral.forward(map.clone())).collect();
        if let (Some(project), Some(last)) = (&self.extra, maps.last()) {
            let mut coarser = project.forward(last.clone());
            while pyramid.len() < self.taps.len() {
                coarser = self.pool.forward(coarser);
                pyramid.push(coarser.clone());
            }
        }
        let pyramid = self.layers.iter().fold(pyramid, |pyramid, layer| layer.forward(&pyramid));
        hand_on(&pyramid, features.picture_size())
    }
}

fn projection(channels: [usize; 2]) -> ConvNormActConfig {
    ConvNormActConfig::new(channels, [1, 1])
        .with_activation(Activation::Identity)
        .with_epsilon(NORM_EPSILON)
        .with_momentum(NORM_MOMENTUM)
}

/// Halves a map, rounded up.
fn pool() -> MaxPool2d {
    MaxPool2dConfig::new([3, 3]).with_strides([2, 2]).with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)).init()
}

#[derive(Config, Debug)]
struct BiFpnLayerConfig {
    levels: usize,
    width: usize,
}

/// Once down and once up.
#[derive(Module, Debug)]
struct BiFpnLayer {
    /// On the way down, finest first; the coarsest level has none.
    down: Vec<FusedNode>,
    /// On the way up, from the second level on.
    up: Vec<FusedNode>,
    pool: MaxPool2d,
}

impl BiFpnLayerConfig {
    fn init(&self, device: &Device) -> BiFpnLayer {
        let Self { levels, width } = *self;
        // on the way up, a level takes in itself, its map on the way down, and the finer level; the coarsest has no way down
        let inputs = |level: usize| if level + 1 == levels { 2 } else { 3 };
        BiFpnLayer {
            down: (1..levels).map(|_| FusedNode::new(2, width, device)).collect(),
            up: (1..levels).map(|level| FusedNode::new(inputs(level), width, device)).collect(),
            pool: pool(),
        }
    }
}

impl BiFpnLayer {
    fn forward(&self, maps: &[Tensor<4>]) -> Vec<Tensor<4>> {
        let mut down: Vec<Tensor<4>> = maps.to_vec();
        for level in (0..self.down.len()).rev() {
            let above = nearest(down[level + 1].clone(), size(&maps[level]));
            down[level] = self.down[level].forward(vec![maps[level].clone(), above]);
        }
        let mut up = vec![down[0].clone()];
        for (index, node) in self.up.iter().enumerate() {
            let level = index + 1;
            let below = nearest(self.pool.forward(up[index].clone()), size(&maps[level]));
            let mut inputs = vec![maps[level].clone()];
            if level + 1 < maps.len() {
                inputs.push(down[level].clone());
            }
            inputs.push(below);
            up.push(node.forward(inputs));
        }
        up
    }
}

/// Fast normalised fusion (section 3.3), swish, and a depthwise separable convolution with batch normalisation.
#[derive(Module, Debug)]
struct FusedNode {
    /// How much each input counts, `[inputs]`; what is negative counts as nothing.
    weights: Param<Tensor<1>>,
    depthwise: Conv2d,
    pointwise: ConvNormAct,
}

impl FusedNode {
    fn new(inputs: usize, width: usize, device: &Device) -> Self {
        Self {
            weights: Initializer::Ones.init([inputs], device),
            depthwise: Conv2dConfig::new([width; 2], [3, 3])
                .with_groups(width)
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .with_bias(false)
                .init(device),
            pointwise: projection([width; 2]).init(device),
        }
    }

    fn forward(&self, inputs: Vec<Tensor<4>>) -> Tensor<4> {
        let weights = activation::relu(self.weights.val());
        let weights = weights.clone() / (weights.sum() + EPSILON);
        let weighted = inputs.into_iter().enumerate().map(|(index, map)| {
            let weight: Tensor<1> = weights.clone().narrow(0, index, 1);
            map * weight.reshape([1, 1, 1, 1])
        });
        let fused = weighted.reduce(|sum, map| sum + map).expect("a node has inputs");
        self.pointwise.forward(self.depthwise.forward_mixed(activation::silu(fused)))
    }
}
