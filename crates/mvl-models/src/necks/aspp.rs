//! Atrous spatial pyramid pooling: one map seen through convolutions of several reaches and as a whole. Chen, Papandreou, Schroff,
//! Adam 2017 (DeepLabv3), <https://arxiv.org/abs/1706.05587>; torchvision's `ASPP`. `[N, C, H, W]` → `[N, width, H, W]`

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::{Device, Tensor};
use mvl_core::{Features, ModelError, Neck, Tap, TapSet};
use serde::{Deserialize, Serialize};

use super::levels::{Level, Levels, check_width, hand_on, level_name, size};
use crate::layers::{ConvNormAct, ConvNormActConfig};

const NAME: &str = "aspp";
/// The most branches and the farthest reach, so that a config cannot ask for all of memory.
const MAX_RATES: usize = 16;
const MAX_RATE: usize = 1024;

/// Configuration of an [`Aspp`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AsppConfig {
    /// The tap it reads; the last map of the largest stride unless said otherwise.
    pub tap: Option<String>,
    /// Channels of each branch and of the map it gives.
    pub width: usize,
    /// Distances between the cells of the 3×3 convolutions' kernels. The paper's 12, 24 and 36 are for maps at stride 8, half of
    /// them for stride 16.
    pub rates: Vec<usize>,
    /// Share of the output that is dropped in training.
    pub dropout: f64,
}

impl Default for AsppConfig {
    fn default() -> Self {
        Self { tap: None, width: 256, rates: vec![12, 24, 36], dropout: 0.5 }
    }
}

/// A 1×1 convolution, dilated 3×3 convolutions and the mean of the map, put together by another 1×1 convolution.
#[derive(Module, Debug)]
pub struct Aspp {
    convs: Vec<ConvNormAct>,
    pool: ConvNormAct,
    project: ConvNormAct,
    dropout: Dropout,
    #[module(skip)]
    level: Level,
    #[module(skip)]
    taps: Vec<Tap>,
}

impl AsppConfig {
    /// Creates the neck for a backbone with these taps.
    ///
    /// # Errors
    /// [`ModelError::Mismatch`] when it has no such map, [`ModelError::InvalidOptions`] for absurd numbers.
    pub fn build(&self, backbone: &str, taps: &[Tap], device: &Device) -> Result<Aspp, ModelError> {
        check_width(NAME, "width", self.width)?;
        let invalid = |what| ModelError::InvalidOptions { owner: NAME.to_owned(), what };
        if self.rates.len() > MAX_RATES || self.rates.iter().any(|rate| !(1..=MAX_RATE).contains(rate)) {
            let what = format!("rates: expected up to {MAX_RATES} from 1 to {MAX_RATE}, got {:?}", self.rates);
            return Err(invalid(what));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(invalid(format!("dropout: expected a number from 0 to below 1, got {}", self.dropout)));
        }
        let levels = match &self.tap {
            Some(tap) => Levels::Taps(vec![tap.clone()]),
            None => Levels::Coarsest(1),
        };
        let level = levels.choose(NAME, backbone, taps)?[0];
        let channels = [level.channels, self.width];
        let point = |channels| ConvNormActConfig::new(channels, [1, 1]);
        let dilated = self.rates.iter().map(|&rate| ConvNormActConfig::new(channels, [3, 3]).with_dilation(rate));
        Ok(Aspp {
            convs: std::iter::once(point(channels)).chain(dilated).map(|config| config.init(device)).collect(),
            pool: point(channels).init(device),
            project: point([(self.rates.len() + 2) * self.width, self.width]).init(device),
            dropout: DropoutConfig::new(self.dropout).init(),
            taps: vec![Tap::map(level_name(level.stride), self.width, level.stride)],
            level,
        })
    }
}

impl Neck for Aspp {
    fn reads(&self) -> TapSet {
        TapSet::one(self.level.tap)
    }

    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn forward(&self, mut features: Features) -> Features {
        let map = features.take_map(self.level.tap); // [N, C, H, W]
        let [count, _, ..] = map.dims();
        let [height, width] = size(&map);
        let mut branches: Vec<Tensor<4>> = self.convs.iter().map(|conv| conv.forward(map.clone())).collect();
        let whole = self.pool.forward(map.mean_dim(3).mean_dim(2)); // [N, width, 1, 1]
        let [_, channels, ..] = whole.dims();
        branches.push(whole.expand([count, channels, height, width])); // bilinear from one cell is that cell everywhere
        let output = self.dropout.forward(self.project.forward(Tensor::cat(branches, 1)));
        hand_on(&[output], features.picture_size())
    }
}
