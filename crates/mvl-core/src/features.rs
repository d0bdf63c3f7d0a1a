//! What a backbone hands to a head: feature maps or tokens, each taken at a named tap.
//!
//! One concrete type serves convolutional nets and transformers, so that any head can sit on any backbone; which fits which
//! is data ([`Tap`]), known and checked before a forward pass.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// The most taps a backbone may have: [`TapSet`] is one machine word.
pub const MAX_TAPS: usize = 64;

/// A place in a backbone whose output can be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tap {
    /// Name inside the backbone, in the reference implementation's words: `layer3`, `features.13`, `blocks.11`.
    pub name: String,
    /// Channels of the map, or width of a token.
    pub channels: usize,
    /// Input pixels per output cell along each side (32 means a 224-pixel side leaves 7).
    pub stride: usize,
    /// Whether it is a map or tokens.
    pub layout: Layout,
    /// Tokens before those of the picture's patches: a class token, registers. 0 for maps.
    #[serde(default)]
    pub prefix: usize,
}

/// The shape of a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Layout {
    /// `[N, C, H, W]`
    Map,
    /// `[N, L, C]`
    Tokens,
}

impl Tap {
    /// A feature map's tap.
    pub fn map(name: impl Into<String>, channels: usize, stride: usize) -> Self {
        Self { name: name.into(), channels, stride, layout: Layout::Map, prefix: 0 }
    }

    /// A token sequence's tap: one token for each patch of `stride` × `stride` pixels, rows first.
    pub fn tokens(name: impl Into<String>, channels: usize, stride: usize) -> Self {
        Self { name: name.into(), channels, stride, layout: Layout::Tokens, prefix: 0 }
    }

    /// Sets how many tokens stand before those of the patches.
    pub fn with_prefix(mut self, prefix: usize) -> Self {
        self.prefix = prefix;
        self
    }
}

/// Which taps of a backbone to keep, by position in [`Backbone::taps`](crate::Backbone::taps).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TapSet(u64);

impl TapSet {
    /// No tap.
    pub const NONE: Self = Self(0);

    /// One tap.
    ///
    /// # Panics
    /// If `index` is not below [`MAX_TAPS`].
    pub fn one(index: usize) -> Self {
        assert!(index < MAX_TAPS, "tap {index}: a backbone has at most {MAX_TAPS}");
        Self(1 << index)
    }

    /// The first `count` taps.
    ///
    /// # Panics
    /// If `count` is above [`MAX_TAPS`].
    pub fn first(count: usize) -> Self {
        (0..count).fold(Self::NONE, |set, index| set.with(index))
    }

    /// This set and one more tap.
    ///
    /// # Panics
    /// If `index` is not below [`MAX_TAPS`].
    pub fn with(self, index: usize) -> Self {
        Self(self.0 | Self::one(index).0)
    }

    /// Whether a tap is kept.
    pub fn contains(self, index: usize) -> bool {
        index < MAX_TAPS && self.0 & (1 << index) != 0
    }

    /// The last kept tap: a backbone need not compute past it.
    pub fn last(self) -> Option<usize> {
        (self.0 != 0).then(|| 63 - self.0.leading_zeros() as usize)
    }

    /// The kept taps, ascending.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..MAX_TAPS).filter(move |&index| self.contains(index))
    }

    /// How many taps are kept.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether none is kept.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// One kept feature.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Feature {
    /// `[N, C, H, W]`
    Map(Tensor<4>),
    /// `[N, L, C]`
    Tokens(Tensor<3>),
}

/// The features a forward pass kept, ascending by tap.
#[derive(Debug, Clone, Default)]
pub struct Features {
    kept: Vec<(usize, Feature)>,
    picture: Option<[usize; 2]>,
}

impl Features {
    /// Nothing kept yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says how high and wide the pictures were, in pixels: what an answer for every pixel is made for.
    /// [`Network`](crate::Network) says it.
    #[must_use]
    pub fn with_picture_size(self, size: [usize; 2]) -> Self {
        Self { picture: Some(size), ..self }
    }

    /// Height and width of the pictures in pixels, where they were said.
    pub fn picture_size(&self) -> Option<[usize; 2]> {
        self.picture
    }

    /// Keeps a map if the set asks for it; clones only the handle.
    pub fn keep_map(&mut self, keep: TapSet, tap: usize, map: &Tensor<4>) {
        if keep.contains(tap) {
            self.kept.push((tap, Feature::Map(map.clone())));
        }
    }

    /// Keeps tokens if the set asks for them; clones only the handle.
    pub fn keep_tokens(&mut self, keep: TapSet, tap: usize, tokens: &Tensor<3>) {
        if keep.contains(tap) {
            self.kept.push((tap, Feature::Tokens(tokens.clone())));
        }
    }

    /// The feature of a tap, if kept.
    pub fn get(&self, tap: usize) -> Option<&Feature> {
        self.kept.iter().find(|(kept, _)| *kept == tap).map(|(_, feature)| feature)
    }

    /// Takes the map of a tap, `[N, C, H, W]`.
    ///
    /// # Panics
    /// If the tap was not kept or holds tokens: a head must read only what it declared in
    /// [`Head::reads`](crate::Head::reads), on a backbone it was checked against.
    pub fn take_map(&mut self, tap: usize) -> Tensor<4> {
        match self.take(tap) {
            Feature::Map(map) => map,
            Feature::Tokens(_) => panic!("tap {tap} holds tokens, not a map"),
        }
    }

    /// Takes the tokens of a tap, `[N, L, C]`.
    ///
    /// # Panics
    /// Like [`take_map`](Self::take_map).
    pub fn take_tokens(&mut self, tap: usize) -> Tensor<3> {
        match self.take(tap) {
            Feature::Tokens(tokens) => tokens,
            Feature::Map(_) => panic!("tap {tap} holds a map, not tokens"),
        }
    }

    fn take(&mut self, tap: usize) -> Feature {
        let place = self.kept.iter().position(|(kept, _)| *kept == tap);
        let place = place.unwrap_or_else(|| panic!("tap {tap} was not kept"));
        self.kept.remove(place).1
    }

    /// All kept features with their taps, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Feature)> {
        self.kept.iter().map(|(tap, feature)| (*tap, feature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_knows_its_members() {
        let set = TapSet::NONE.with(1).with(3);
        assert_eq!((set.last(), set.len(), set.iter().collect::<Vec<_>>()), (Some(3), 2, vec![1, 3]));
        assert_eq!((TapSet::NONE.last(), TapSet::first(3)), (None, TapSet::NONE.with(0).with(1).with(2)));
        assert!(!set.contains(64));
    }
}
