//! Where a run is in its data, so that it can go on from there with the very same batches.

use mvl_core::{Backend, BatchIter, DataError, DataLoader, ImageBatch};
use serde::{Deserialize, Serialize};

use super::Loader;

/// A place between two batches, and what the batches after it depend on.
///
/// Nothing is replayed to go on from here: a batch is a function of its place. The data set's contents, the augmentation and the
/// preprocessing are not in here; keep them the same.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use mvl_core::{Channels, Cpu, DataLoader, Order, Preprocess};
/// use mvl_data::{Loader, LoaderConfig, Split, fashion_mnist_part};
///
/// let dataset = Arc::new(fashion_mnist_part(Split::Test)?);
/// let spec = Preprocess::exact(28, 28, Channels::Gray, &[0.286], &[0.353]);
/// let config = LoaderConfig { shuffle: Order::Shuffled, ..LoaderConfig::new(1_000) };
/// let loader = Loader::<Cpu>::new(dataset, spec, 0, config)?;
/// let state = loader.state_after(0, 1)?; // one batch was taken
/// let text = serde_json::to_string(&state)?;
/// let batches = loader.resume(&serde_json::from_str(&text)?)?;
/// assert_eq!(batches.count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoaderState {
    /// The epoch, from 0.
    pub epoch: usize,
    /// The batch of this epoch that comes next, from 0.
    pub next_batch: usize,
    /// Seed of order and augmentation.
    pub seed: u64,
    /// Samples a batch.
    pub batch_size: usize,
    /// The process among `world_size`, from 0.
    pub rank: usize,
    /// How many processes share the epoch.
    pub world_size: usize,
    /// Length of the data set.
    pub samples: usize,
    /// CRC-32C of the process's picks of this epoch: what its sampler comes to.
    pub order: u32,
}

impl LoaderState {
    /// What is not as it was, as `field: expected …, got …`; empty when `now` goes on with the same batches.
    fn differences(&self, now: &Self) -> Vec<String> {
        let numbers = [
            ("seed", self.seed, now.seed),
            ("batch_size", self.batch_size as u64, now.batch_size as u64),
            ("rank", self.rank as u64, now.rank as u64),
            ("world_size", self.world_size as u64, now.world_size as u64),
            ("samples", self.samples as u64, now.samples as u64),
        ];
        let changed = numbers.into_iter().filter(|(_, then, now)| then != now);
        let mut differences: Vec<String> =
            changed.map(|(field, then, now)| format!("{field}: expected {then} as before, got {now}")).collect();
        // Whatever differs above changes the order too.
        if differences.is_empty() && self.order != now.order {
            differences.push(format!("order: expected the sampler to pick as before, epoch {} differs", self.epoch));
        }
        differences
    }
}

impl<B: Backend> Loader<B> {
    /// The state after so many batches of an epoch were taken. After all of them it is the beginning of the next epoch.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when an epoch does not have so many batches.
    pub fn state_after(&self, epoch: usize, batches: usize) -> Result<LoaderState, DataError> {
        let all = self.batches_per_epoch();
        if batches > all {
            return Err(DataError::invalid(format!("expected at most the {all} batches of an epoch, got {batches}")));
        }
        if batches == all { self.state_at(epoch.saturating_add(1), 0) } else { self.state_at(epoch, batches) }
    }

    /// The rest of the epoch from a state on. Take the epochs after it from [`DataLoader::epoch`].
    ///
    /// # Errors
    /// [`DataError::Invalid`] with all that differs from when the state was taken, as other batches would come then; what
    /// [`DataLoader::epoch`] says.
    pub fn resume(&self, state: &LoaderState) -> Result<BatchIter<ImageBatch>, DataError> {
        let mut problems = state.differences(&self.state_at(state.epoch, state.next_batch)?);
        let all = self.batches_per_epoch();
        if problems.is_empty() && state.next_batch > all {
            problems.push(format!("next_batch: expected at most {all}, got {}", state.next_batch));
        }
        if !problems.is_empty() {
            return Err(DataError::invalid(format!("the loader cannot resume: {}", problems.join("; "))));
        }
        self.epoch(state.epoch, state.next_batch)
    }

    fn state_at(&self, epoch: usize, next_batch: usize) -> Result<LoaderState, DataError> {
        let picks = self.config.plan(&self.sampler, epoch, 0)?.keys();
        let order = picks.iter().fold(0, |crc, key| {
            let pick = [(key.index as u64).to_le_bytes(), (key.repeat as u64).to_le_bytes()];
            crc32c::crc32c_append(crc, pick.as_flattened())
        });
        let &super::LoaderConfig { seed, batch_size, rank, world_size, .. } = self.config();
        let samples = self.samples.len();
        Ok(LoaderState { epoch, next_batch, seed, batch_size, rank, world_size, samples, order })
    }
}
