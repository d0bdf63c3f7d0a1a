//! Semantic segmentation on a feature pyramid: every level is brought to the finest one's size through convolutions, all are added
//! up. Kirillov, Girshick, He, Dollár 2019 (Panoptic Feature Pyramid Networks, section 3), <https://arxiv.org/abs/1901.02446>.
//! Maps → logits `[N, K, H, W]`

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Dropout, DropoutConfig, GroupNorm, GroupNormConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor, activation};
use mvl_core::{
    BoxedHead, Features, Head, HeadFactory, MixedForward, ModelConfig, ModelError, Neck, NeckedHead, Tap, TapSet,
};
use serde::{Deserialize, Serialize};

use super::picture_size::to_picture_size;
use crate::heads::pooling::check_dropout;
use crate::layers::{Interpolation, resample};
use crate::necks::{FpnConfig, NeckConfig};

const NAME: &str = "fpn_segmentation";
/// Groups of the group normalisations.
const GROUPS: usize = 32;
/// The widest maps, so that a config cannot ask for all of memory.
const MAX_WIDTH: usize = 1 << 14;

/// Options of the head `fpn_segmentation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FpnSegmentationHeadOptions {
    /// The pyramid; all maps of any neck are read.
    pub neck: NeckConfig,
    /// Channels of the maps that are added up; a multiple of 32, or below 32.
    pub width: usize,
    /// Share of them that is dropped in training.
    pub dropout: f64,
}

impl Default for FpnSegmentationHeadOptions {
    fn default() -> Self {
        Self { neck: NeckConfig::Fpn(FpnConfig::default()), width: 128, dropout: 0.2 }
    }
}

/// Convolutions on every level, their sum, a 1×1 convolution to classes.
#[derive(Module, Debug)]
pub struct PyramidHead {
    branches: Vec<Vec<ConvGroupNorm>>,
    dropout: Dropout,
    classifier: Conv2d,
    stride: usize,
}

impl Head for PyramidHead {
    type Output = Tensor<4>;

    fn reads(&self) -> TapSet {
        TapSet::first(self.branches.len())
    }

    fn forward(&self, mut features: Features) -> Tensor<4> {
        let picture = features.picture_size();
        let maps: Vec<_> = (0..self.branches.len()).map(|level| features.take_map(level)).collect();
        let sizes: Vec<[usize; 2]> = maps.iter().map(|map| [map.dims()[2], map.dims()[3]]).collect();
        let branches = self.branches.iter().zip(maps).enumerate().map(|(level, (convs, map))| {
            convs.iter().enumerate().fold(map, |map, (step, conv)| {
                let finer = sizes[level.saturating_sub(step + 1)];
                resample(conv.forward(map), finer, Interpolation::Bilinear, false)
            })
        });
        let sum = branches.reduce(|sum, map| sum + map).expect("a pyramid has levels"); // [N, width, h, w]
        to_picture_size(self.classifier.forward_mixed(self.dropout.forward(sum)), picture, self.stride)
    }
}

/// A 3×3 convolution, group normalisation, ReLU.
#[derive(Module, Debug)]
struct ConvGroupNorm {
    conv: Conv2d,
    norm: GroupNorm,
}

impl ConvGroupNorm {
    fn new(channels: [usize; 2], device: &Device) -> Self {
        let conv = Conv2dConfig::new(channels, [3, 3]).with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1));
        let groups = if channels[1].is_multiple_of(GROUPS) { GROUPS } else { 1 };
        let norm = GroupNormConfig::new(groups, channels[1]);
        Self { conv: conv.with_bias(false).init(device), norm: norm.init(device) }
    }

    fn forward(&self, map: Tensor<4>) -> Tensor<4> {
        activation::relu(self.norm.forward_mixed(self.conv.forward_mixed(map)))
    }
}

/// Creates [`PyramidHead`]s under the name `fpn_segmentation`.
#[derive(Debug, Clone, Copy)]
pub struct FpnSegmentationHeadFactory;

impl HeadFactory<Tensor<4>> for FpnSegmentationHeadFactory {
    fn name(&self) -> &str {
        NAME
    }

    fn create_head(
        &self,
        config: &ModelConfig,
        taps: &[Tap],
        device: &Device,
    ) -> Result<BoxedHead<Tensor<4>>, ModelError> {
        let options: FpnSegmentationHeadOptions = config.head.options.read(NAME)?;
        check_dropout(NAME, options.dropout)?;
        let width = options.width;
        let fits = (1..GROUPS).contains(&width) || (width <= MAX_WIDTH && width.is_multiple_of(GROUPS) && width > 0);
        if !fits {
            let what = format!("width: expected below {GROUPS} or a multiple of it up to {MAX_WIDTH}, got {width}");
            return Err(ModelError::InvalidOptions { owner: NAME.to_owned(), what });
        }
        let neck = options.neck.build(&config.name, taps, device)?;
        let branch = |(level, tap): (usize, &Tap)| {
            let conv = |step: usize| ConvGroupNorm::new([if step == 0 { tap.channels } else { width }, width], device);
            (0..level.max(1)).map(conv).collect()
        };
        let head = PyramidHead {
            branches: neck.taps().iter().enumerate().map(branch).collect(),
            dropout: DropoutConfig::new(options.dropout).init(),
            classifier: Conv2dConfig::new([width, config.num_classes], [1, 1]).init(device),
            stride: neck.taps()[0].stride,
        };
        Ok(BoxedHead::new(NeckedHead::new(neck, head)))
    }
}
