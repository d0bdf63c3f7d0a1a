//! How an epoch is cut into batches, and what becomes of images that cannot be read.

use std::sync::Arc;

use mvl_core::{DataError, EpochPlan, Order, Sampler};
use serde::{Deserialize, Serialize};

use crate::strategies::{DEFAULT_QUEUE_BYTES, StrategyConfig};

/// Settings of a [`Loader`](crate::Loader).
///
/// # Example
/// ```
/// use mvl_core::Order;
/// use mvl_data::LoaderConfig;
/// let training = LoaderConfig { shuffle: Order::Shuffled, seed: 7, ..LoaderConfig::new(64) };
/// # assert!(training.problems().is_empty());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoaderConfig {
    /// Samples a batch.
    pub batch_size: usize,
    /// Threads that decode and transform; 0 is one a core.
    pub workers: usize,
    /// Budget for finished samples that wait, in bytes.
    pub queue_bytes: usize,
    /// What is between the store and the threads, nearest to the store first; empty for nothing.
    pub strategy: Vec<StrategyConfig>,
    /// The order of an epoch, unless it is a sampler's, see [`Loader::with_sampler`](crate::Loader::with_sampler).
    pub shuffle: Order,
    /// Seed of order and augmentation.
    pub seed: u64,
    /// Lets libjpeg-turbo decode a large JPEG at a half, a quarter or an eighth of its size where a chain begins with a cut that
    /// shrinks it further: several times faster, with pixels that differ a little. Without the feature `turbojpeg`, and for
    /// pictures out of a cache of decoded ones, nothing changes.
    pub reduced_decoding: bool,
    /// Leaves out a last batch that is not full.
    pub drop_last: bool,
    /// What becomes of images that cannot be read.
    pub on_corrupt: OnCorrupt,
    /// This process among `world_size`, from 0.
    pub rank: usize,
    /// How many processes share the epoch.
    pub world_size: usize,
}

/// What becomes of a sample that cannot be read or prepared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnCorrupt {
    /// The batch is an error that names it.
    #[default]
    Fail,
    /// It is left out of its batch and recorded, see [`DataLoader::take_skipped`](mvl_core::DataLoader::take_skipped).
    Skip,
}

impl Default for LoaderConfig {
    fn default() -> Self {
        Self {
            batch_size: 32,
            workers: 0,
            queue_bytes: DEFAULT_QUEUE_BYTES,
            strategy: Vec::new(),
            shuffle: Order::Sequential,
            seed: 0,
            reduced_decoding: false,
            drop_last: false,
            on_corrupt: OnCorrupt::Fail,
            rank: 0,
            world_size: 1,
        }
    }
}

impl LoaderConfig {
    /// The defaults with this batch size: in order, one thread a core, single process, corrupt images are errors.
    #[must_use]
    pub fn new(batch_size: usize) -> Self {
        Self { batch_size, ..Self::default() }
    }

    /// Every problem with the numbers, as `field: what is wrong`; empty when it can be used.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.batch_size == 0 {
            problems.push("batch_size: expected at least 1, got 0".to_owned());
        }
        if self.rank >= self.world_size {
            let (rank, world_size) = (self.rank, self.world_size);
            problems.push(format!("rank: expected a number below the world size {world_size}, got {rank}"));
        }
        problems.extend(StrategyConfig::problems(&self.strategy));
        problems
    }

    /// This rank's samples of one epoch, from a batch on.
    ///
    /// # Errors
    /// When the rank is not below the world size.
    pub(super) fn plan(
        &self,
        sampler: &Arc<dyn Sampler>,
        epoch: usize,
        first_batch: usize,
    ) -> Result<EpochPlan, DataError> {
        let plan = EpochPlan::sampled(sampler.clone()).with_seed(self.seed).with_epoch(epoch);
        let start = first_batch.saturating_mul(self.batch_size);
        Ok(plan.with_rank(self.rank, self.world_size)?.starting_at(start))
    }

    /// How many batches this many samples make.
    pub(super) fn batches(&self, samples: usize) -> usize {
        if self.drop_last { samples / self.batch_size } else { samples.div_ceil(self.batch_size) }
    }
}
