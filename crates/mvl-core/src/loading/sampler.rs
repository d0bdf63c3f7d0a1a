//! In which order an epoch goes through a data set: a pure function of seed and epoch.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::SampleRng;

/// One place of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pick {
    /// Index in the data set.
    pub index: usize,
    /// Which time this is that the epoch comes to it, from 0; another repeat is augmented otherwise.
    pub repeat: usize,
}

impl Pick {
    /// The only time that an epoch comes to an item.
    #[must_use]
    pub const fn once(index: usize) -> Self {
        Self { index, repeat: 0 }
    }
}

/// Orders the items of an epoch, before they are dealt out to ranks.
///
/// The contract, proven by [`conformance::sampler`](crate::conformance::sampler): the same seed and epoch give the same picks,
/// [`len`](Self::len) of them, each pair of index and repeat once.
pub trait Sampler: Send + Sync + Debug {
    /// Items an epoch, the same in every epoch.
    fn len(&self) -> usize;

    /// The items of one epoch in order.
    fn picks(&self, seed: u64, epoch: usize) -> Vec<Pick>;

    /// Whether an epoch is empty.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The two orders that need to know nothing of the items.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Order {
    /// In the data set's order.
    #[default]
    Sequential,
    /// In an order drawn from `(seed, epoch)` over the whole data set.
    Shuffled,
}

/// Keeps the samplers' random numbers apart from those of the samples.
const SHUFFLE_STREAM: u64 = u64::from_le_bytes(*b"shuffle\0");

/// The generator that a sampler draws from.
#[must_use]
pub fn sampler_rng(seed: u64, epoch: usize) -> SampleRng {
    SampleRng::new([seed, epoch as u64, 0, SHUFFLE_STREAM])
}

/// Every item once, in an [`Order`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EveryItem {
    len: usize,
    order: Order,
}

impl EveryItem {
    /// All items of a data set of this length.
    #[must_use]
    pub const fn new(len: usize, order: Order) -> Self {
        Self { len, order }
    }
}

impl Sampler for EveryItem {
    fn len(&self) -> usize {
        self.len
    }

    fn picks(&self, seed: u64, epoch: usize) -> Vec<Pick> {
        match self.order {
            Order::Sequential => (0..self.len).map(Pick::once).collect(),
            Order::Shuffled => sampler_rng(seed, epoch).permutation(self.len).into_iter().map(Pick::once).collect(),
        }
    }
}
