//! Levels of a pyramid coarser than the backbone's: for large things.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::tensor::{Device, Tensor, activation};
use mvl_core::MixedForward;
use serde::{Deserialize, Serialize};

use super::levels::plain_conv;

/// Levels of a pyramid coarser than the backbone's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExtraLevels {
    /// None.
    #[default]
    None,
    /// One: every second cell of the last level (torchvision's `LastLevelMaxPool`, Faster R-CNN's).
    MaxPool,
    /// Two, by convolutions of stride 2 on the pyramid's last level (torchvision's `LastLevelP6P7`; Lin et al. 2017, RetinaNet,
    /// <https://arxiv.org/abs/1708.02002>).
    Convs,
    /// Two, by convolutions of stride 2 on the backbone's last map, as RetinaNet was published.
    BackboneConvs,
}

/// What makes them.
#[derive(Module, Debug)]
pub(super) struct ExtraBlocks {
    p6: Option<Conv2d>,
    p7: Option<Conv2d>,
    pool: Option<MaxPool2d>,
    #[module(skip)]
    extra: ExtraLevels,
}

impl ExtraLevels {
    /// How many there are.
    #[must_use]
    pub fn count(self) -> usize {
        match self {
            Self::None => 0,
            Self::MaxPool => 1,
            Self::Convs | Self::BackboneConvs => 2,
        }
    }

    /// For a pyramid of this width on a backbone whose last map has these channels.
    pub(super) fn init(self, channels: usize, width: usize, device: &Device) -> ExtraBlocks {
        let first = match self {
            Self::None | Self::MaxPool => None,
            Self::Convs => Some(width),
            Self::BackboneConvs => Some(channels),
        };
        ExtraBlocks {
            p6: first.map(|channels| plain_conv([channels, width], 3, 2, device)),
            p7: first.map(|_| plain_conv([width, width], 3, 2, device)),
            pool: (self == Self::MaxPool).then(|| MaxPool2dConfig::new([1, 1]).with_strides([2, 2]).init()),
            extra: self,
        }
    }
}

impl ExtraBlocks {
    /// Adds levels to a pyramid; `map` is the backbone's last.
    pub(super) fn extend(&self, pyramid: &mut Vec<Tensor<4>>, map: Tensor<4>) {
        let Some(last) = pyramid.last().cloned() else { return };
        if let Some(pool) = &self.pool {
            pyramid.push(pool.forward(last)); // [N, width, H/2, W/2]
        } else if let (Some(p6), Some(p7)) = (&self.p6, &self.p7) {
            let sixth = p6.forward_mixed(if self.extra == ExtraLevels::BackboneConvs { map } else { last });
            pyramid.push(sixth.clone());
            pyramid.push(p7.forward_mixed(activation::relu(sixth)));
        }
    }
}
