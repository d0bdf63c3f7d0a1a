//! One vector a picture from the last features.

use burn::tensor::Tensor;
use burn::tensor::module::adaptive_avg_pool2d;
use mvl_core::{Features, Layout, ModelConfig, ModelError, Tap};
use serde::{Deserialize, Serialize};

/// How a picture's features become one vector. All but `token` and `grid` take maps and tokens alike.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// The mean over cells or patches.
    #[default]
    Average,
    /// The largest over cells or patches.
    Max,
    /// The first token, which stands for the whole picture.
    Token,
    /// A map averaged into this many rows and columns, laid out as one vector: channels, then rows, then columns.
    Grid(usize),
}

/// A [`Pooling`] of one tap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pool {
    pub(super) tap: usize,
    /// Numbers that come out a picture.
    pub(super) width: usize,
    pooling: Pooling,
    layout: Layout,
    prefix: usize,
}

/// The most rows and columns of a grid, so that a config cannot ask for all of memory.
const MAX_GRID: usize = 64;

impl Pool {
    /// Of the last tap that this pooling can read.
    ///
    /// # Errors
    /// [`ModelError::Mismatch`] when there is none; [`ModelError::InvalidOptions`] for an absurd grid.
    pub(super) fn new(head: &str, pooling: Pooling, config: &ModelConfig, taps: &[Tap]) -> Result<Self, ModelError> {
        if let Pooling::Grid(side) = pooling
            && !(1..=MAX_GRID).contains(&side)
        {
            let what = format!("pool.grid: expected 1 to {MAX_GRID}, got {side}");
            return Err(ModelError::InvalidOptions { owner: head.to_owned(), what });
        }
        let (wanted, reads): (&str, fn(&Tap) -> bool) = match pooling {
            Pooling::Average | Pooling::Max => ("a tap", |_| true),
            Pooling::Token => ("a tap with tokens [N, L, C] that begin with a class token", |tap| {
                tap.layout == Layout::Tokens && tap.prefix > 0
            }),
            Pooling::Grid(_) => ("a tap with a feature map [N, C, H, W]", |tap| tap.layout == Layout::Map),
        };
        let last = taps.iter().enumerate().rfind(|(_, tap)| reads(tap));
        let (index, tap) = last.ok_or_else(|| {
            let found: Vec<_> = taps.iter().map(|tap| format!("{:?} ({:?})", tap.name, tap.layout)).collect();
            ModelError::Mismatch {
                head: head.to_owned(),
                backbone: config.name.clone(),
                what: format!("expected {wanted}, found {}", found.join(", ")),
            }
        })?;
        let width = match pooling {
            Pooling::Grid(side) => tap.channels * side * side,
            _ => tap.channels,
        };
        Ok(Self { tap: index, width, pooling, layout: tap.layout, prefix: tap.prefix })
    }

    /// # Shapes
    /// → `[N, width]`
    pub(super) fn forward(&self, features: &mut Features) -> Tensor<2> {
        let cells = match (self.layout, self.pooling) {
            (Layout::Map, Pooling::Grid(side)) => {
                return adaptive_avg_pool2d(features.take_map(self.tap), [side, side]).flatten(1, 3);
            }
            (Layout::Map, _) => features.take_map(self.tap).flatten::<3>(2, 3).swap_dims(1, 2), // [N, H W, C]
            (_, Pooling::Token) => return features.take_tokens(self.tap).narrow(1, 0, 1).squeeze_dim(1),
            _ => {
                let tokens = features.take_tokens(self.tap); // [N, L, C]
                let [_, length, _] = tokens.dims();
                tokens.narrow(1, self.prefix, length - self.prefix)
            }
        };
        match self.pooling {
            Pooling::Max => cells.max_dim(1).squeeze_dim(1),
            _ => cells.mean_dim(1).squeeze_dim(1),
        }
    }
}

/// The mean over a map's cells.
///
/// # Shapes
/// `[N, C, H, W]` → `[N, C]`
#[must_use]
pub fn global_average_pool(map: Tensor<4>) -> Tensor<2> {
    let cells: Tensor<3> = map.flatten(2, 3); // [N, C, H W]
    cells.mean_dim(2).squeeze_dim(2)
}

/// The largest hidden layer, so that a config cannot ask for all of memory.
const MAX_HIDDEN: usize = 1 << 16;

/// Refuses a hidden layer without width, or too wide.
pub(super) fn check_hidden(head: &str, width: usize) -> Result<(), ModelError> {
    if (1..=MAX_HIDDEN).contains(&width) {
        return Ok(());
    }
    let what = format!("hidden: expected 1 to {MAX_HIDDEN}, got {width}");
    Err(ModelError::InvalidOptions { owner: head.to_owned(), what })
}

/// Refuses a dropout share outside 0..1.
pub(super) fn check_dropout(head: &str, dropout: f64) -> Result<(), ModelError> {
    if (0.0..1.0).contains(&dropout) {
        return Ok(());
    }
    let what = format!("dropout: expected a number from 0 to below 1, got {dropout}");
    Err(ModelError::InvalidOptions { owner: head.to_owned(), what })
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;
    use mvl_core::{Backend, Cpu, TapSet};

    use super::*;

    fn pooled(pooling: Pooling) -> TensorData {
        let device = Cpu::device(0).expect("a CPU");
        let (map, tokens) = (Tap::map("map", 2, 1), Tap::tokens("tokens", 1, 1).with_prefix(1));
        let taps = if pooling == Pooling::Token { vec![tokens] } else { vec![map] };
        let pool = Pool::new("head", pooling, &ModelConfig::new("m", 2), &taps).expect("it fits");
        let mut features = Features::new();
        let keep = TapSet::one(0);
        if pooling == Pooling::Token {
            features.keep_tokens(keep, 0, &Tensor::from_floats([[[7.0], [1.0], [2.0]]], &device));
        } else {
            let map = [[[[1.0, 2.0], [3.0, 6.0]], [[0.0, 0.0], [0.0, 4.0]]]];
            features.keep_map(keep, 0, &Tensor::from_floats(map, &device));
        }
        pool.forward(&mut features).into_data()
    }

    #[test]
    fn each_way_gives_one_vector() {
        pooled(Pooling::Average).assert_eq(&TensorData::from([[3.0f32, 1.0]]), true);
        pooled(Pooling::Max).assert_eq(&TensorData::from([[6.0f32, 4.0]]), true);
        pooled(Pooling::Token).assert_eq(&TensorData::from([[7.0f32]]), true);
        pooled(Pooling::Grid(2)).assert_eq(&TensorData::from([[1.0f32, 2.0, 3.0, 6.0, 0.0, 0.0, 0.0, 4.0]]), true);
    }

    #[test]
    fn each_channel_is_averaged() {
        let device = Cpu::device(0).expect("a CPU");
        let map = Tensor::from_floats([[[[1.0, 2.0], [3.0, 6.0]], [[0.0, 0.0], [0.0, 4.0]]]], &device);
        global_average_pool(map).into_data().assert_eq(&TensorData::from([[3.0f32, 1.0]]), true);
    }
}
