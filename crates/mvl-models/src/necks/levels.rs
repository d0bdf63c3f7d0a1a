//! Which of a backbone's maps a neck reads.

use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Initializer, PaddingConfig2d};
use burn::tensor::{Device, Tensor};
use mvl_core::{Features, Layout, ModelError, Tap, TapSet};
use serde::{Deserialize, Serialize};

use crate::layers::{Interpolation, resample};

/// Which of a backbone's maps a neck reads; finest first, each at a larger stride than the one before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Levels {
    /// The last map at each of the largest strides, so many of them or as many as there are.
    Coarsest(usize),
    /// The last map at each of these strides.
    Strides(Vec<usize>),
    /// The maps at the taps of these names.
    Taps(Vec<String>),
}

/// The widest maps a neck may make, so that a config cannot ask for all of memory.
pub(super) const MAX_WIDTH: usize = 1 << 14;

/// A map that a neck reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Level {
    /// Position in the backbone's taps.
    pub(super) tap: usize,
    pub(super) channels: usize,
    pub(super) stride: usize,
}

impl Levels {
    /// The maps in question, at least one.
    ///
    /// # Errors
    /// [`ModelError::Mismatch`] when one is missing, holds tokens or is not coarser than the one before it.
    pub(super) fn choose(&self, neck: &str, backbone: &str, taps: &[Tap]) -> Result<Vec<Level>, ModelError> {
        let mismatch =
            |what: String| ModelError::Mismatch { head: neck.to_owned(), backbone: backbone.to_owned(), what };
        let level = |tap: usize| Level { tap, channels: taps[tap].channels, stride: taps[tap].stride };
        let is_map = |tap: &Tap| tap.layout == Layout::Map;
        // the last map of each stride, by stride
        let mut maps: Vec<Level> = Vec::new();
        for tap in (0..taps.len()).filter(|&tap| is_map(&taps[tap])) {
            maps.retain(|known| known.stride != taps[tap].stride);
            maps.push(level(tap));
        }
        maps.sort_by_key(|level| level.stride);
        let chosen = match self {
            Self::Coarsest(count) => maps.split_off(maps.len().saturating_sub(*count)),
            Self::Strides(strides) => {
                let find = |stride: &usize| {
                    let known = maps.iter().find(|level| level.stride == *stride).copied();
                    known.ok_or_else(|| mismatch(format!("expected a map at stride {stride}, found {}", found(taps))))
                };
                strides.iter().map(find).collect::<Result<_, _>>()?
            }
            Self::Taps(names) => {
                let find = |name: &String| match taps.iter().position(|tap| tap.name == *name) {
                    Some(tap) if is_map(&taps[tap]) => Ok(level(tap)),
                    Some(_) => {
                        Err(mismatch(format!("tap {name:?} holds tokens [N, L, C], expected a map [N, C, H, W]")))
                    }
                    None => Err(mismatch(format!("expected a tap {name:?}, found {}", found(taps)))),
                };
                names.iter().map(find).collect::<Result<_, _>>()?
            }
        };
        if chosen.is_empty() {
            return Err(mismatch(format!("expected a tap with a feature map [N, C, H, W], found {}", found(taps))));
        }
        if let Some(pair) = chosen.windows(2).find(|pair| pair[0].stride >= pair[1].stride) {
            return Err(mismatch(format!(
                "expected maps at growing strides, got {} after {}",
                pair[1].stride, pair[0].stride
            )));
        }
        Ok(chosen)
    }
}

/// All taps in words.
fn found(taps: &[Tap]) -> String {
    let name = |tap: &Tap| format!("{:?} ({:?}, stride {})", tap.name, tap.layout, tap.stride);
    if taps.is_empty() { "none".to_owned() } else { taps.iter().map(name).collect::<Vec<_>>().join(", ") }
}

/// Refuses absurd widths.
pub(super) fn check_width(neck: &str, field: &str, width: usize) -> Result<(), ModelError> {
    if (1..=MAX_WIDTH).contains(&width) {
        return Ok(());
    }
    let what = format!("{field}: expected 1 to {MAX_WIDTH}, got {width}");
    Err(ModelError::InvalidOptions { owner: neck.to_owned(), what })
}

/// The taps to be kept for these levels.
pub(super) fn reads(levels: &[Level]) -> TapSet {
    levels.iter().fold(TapSet::NONE, |set, level| set.with(level.tap))
}

/// A pyramid's taps: one a level, then `extra` ones at twice the stride each. `p3` is at stride 2³.
pub(super) fn pyramid_taps(levels: &[Level], extra: usize, width: usize) -> Vec<Tap> {
    let last = levels.last().map_or(1, |level| level.stride);
    let strides = levels.iter().map(|level| level.stride).chain((1..=extra).map(|step| last << step));
    strides.map(|stride| Tap::map(level_name(stride), width, stride)).collect()
}

/// `p3` at stride 2³; `stride14` where it is not a power of two.
pub(super) fn level_name(stride: usize) -> String {
    if stride.is_power_of_two() { format!("p{}", stride.ilog2()) } else { format!("stride{stride}") }
}

/// What a neck hands on.
pub(super) fn hand_on(maps: &[Tensor<4>], picture: Option<[usize; 2]>) -> Features {
    let mut features = Features::new();
    for (tap, map) in maps.iter().enumerate() {
        features.keep_map(TapSet::one(tap), tap, map);
    }
    match picture {
        Some(size) => features.with_picture_size(size),
        None => features,
    }
}

/// A map at this size, each new cell the old one that lies under it.
pub(super) fn nearest(map: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
    resample(map, size, Interpolation::Nearest, false)
}

/// Height and width of a map.
pub(super) fn size(map: &Tensor<4>) -> [usize; 2] {
    let [_, _, height, width] = map.dims();
    [height, width]
}

/// A convolution with a bias that begins at zero and weights that are uniform by fan-in (Kaiming with slope 1), as detectors' necks
/// have them.
pub(super) fn plain_conv(channels: [usize; 2], kernel: usize, stride: usize, device: &Device) -> Conv2d {
    let mut conv = Conv2dConfig::new(channels, [kernel; 2])
        .with_stride([stride; 2])
        .with_padding(PaddingConfig2d::Explicit(kernel / 2, kernel / 2, kernel / 2, kernel / 2))
        .with_initializer(Initializer::KaimingUniform { gain: 1.0, fan_out_only: false })
        .init(device);
    conv.bias = Some(Initializer::Zeros.init([channels[1]], device));
    conv
}
