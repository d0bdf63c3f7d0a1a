//! Epochs of batches for a training loop: data set, plan, strategy and collate put together.

mod batches;
mod buffers;
mod config;
mod prepared;
mod stack_images;
mod state;

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, PoisonError};

use burn::tensor::Device;
use mvl_core::{
    Backend, BatchIter, DataError, DataLoadStrategy, DataLoader, Dataset, EveryItem, ImageBatch, Preprocess,
    ResourceManager, Sample, Sampler, SkippedSample,
};

use crate::preprocess::check;
use crate::strategies::{Parallel, StrategyConfig};
use crate::transforms::{Chain, TransformConfig};

use batches::{Batches, Skipped};
use buffers::Buffers;
pub use config::{LoaderConfig, OnCorrupt};
pub use prepared::Prepared;
use prepared::PreparedDataset;
pub use stack_images::StackImages;
pub use state::LoaderState;

/// Batches of images whose memory is kept for the next ones.
const SPARE_BATCHES: usize = 2;

/// Loads batches of images onto a device of the backend `B`.
///
/// Batch `k` holds the places `k * batch_size ..` of the epoch's plan, whatever the number of workers, wherever the epoch was
/// started, and whichever samples were skipped.
///
/// Augmentation comes before the preprocessing. When its chain ends at the preprocessing's own output size (as
/// [`RandomResizedCrop`](crate::RandomResizedCrop) does), resizing and centre crop are left out: they would only blur.
///
/// # Shapes
/// `images` of a batch is `[N, C, H, W]` with N up to `batch_size`.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use mvl_core::{Channels, Cpu, DataLoader, Order, Preprocess};
/// use mvl_data::{Loader, LoaderConfig, Split, TransformConfig, fashion_mnist_part};
///
/// let dataset = Arc::new(fashion_mnist_part(Split::Test)?);
/// let spec = Preprocess::exact(28, 28, Channels::Gray, &[0.286], &[0.353]);
/// let config = LoaderConfig { shuffle: Order::Shuffled, ..LoaderConfig::new(16) };
/// let flip = TransformConfig::RandomHorizontalFlip(Default::default());
/// let loader = Loader::<Cpu>::new(dataset, spec, 0, config)?.with_augment(&[flip])?;
/// let first = loader.epoch(0, 0)?.next().expect("a first batch")?;
/// assert_eq!(first.images.dims(), [16, 1, 28, 28]);
/// # Ok::<(), mvl_core::DataError>(())
/// ```
pub struct Loader<B: Backend> {
    samples: Arc<dyn Dataset<Sample>>,
    sampler: Arc<dyn Sampler>,
    spec: Preprocess,
    chain: Chain,
    stack: Arc<StackImages>,
    pixels: Buffers<u8>,
    strategy: Box<dyn DataLoadStrategy<Prepared>>,
    config: LoaderConfig,
    device: Device,
    skipped: Skipped,
    backend: PhantomData<B>,
}

impl<B: Backend> fmt::Debug for Loader<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loader")
            .field("backend", &B::NAME)
            .field("samples", &self.samples.len())
            .field("spec", &self.spec)
            .field("chain", &self.chain)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl<B: Backend> Loader<B> {
    /// A loader onto the backend's device with this ordinal, with the strategies of its config around [`Parallel`], and around
    /// `Streaming` too where records lie in an object store.
    ///
    /// # Errors
    /// [`DataError::Invalid`] with every problem of the preprocessing or the config, or when the data set is empty;
    /// [`DataError::Other`] when the machine has no such device; [`DataError::Io`] when a cache's folder cannot be used.
    pub fn new<D: Dataset<Sample> + ?Sized + 'static>(
        dataset: Arc<D>,
        preprocess: Preprocess,
        ordinal: usize,
        config: LoaderConfig,
    ) -> Result<Self, DataError> {
        check(&preprocess)?;
        let problems = config.problems();
        if !problems.is_empty() {
            return Err(DataError::invalid(format!("the loader cannot run: {}", problems.join("; "))));
        }
        if dataset.is_empty() {
            return Err(DataError::invalid("the data set is empty, expected at least one sample"));
        }
        let device = B::device(ordinal).map_err(|source| DataError::Other {
            what: "the loader has no device to put its batches on".to_owned(),
            source: Box::new(source),
        })?;
        let workers = Parallel::new(config.workers).with_queue_bytes(config.queue_bytes);
        let strategy = StrategyConfig::build(&config.strategy, workers, dataset.location(0).as_ref(), None)?;
        let pixels = Buffers::new(SPARE_BATCHES * config.batch_size);
        Ok(Self {
            sampler: Arc::new(EveryItem::new(dataset.len(), config.shuffle)),
            samples: Arc::new(dataset),
            stack: Arc::new(StackImages::with_buffers(&preprocess, pixels.clone(), !B::ON_HOST)),
            pixels,
            spec: preprocess,
            chain: Chain::default(),
            strategy,
            config,
            device,
            skipped: Skipped::default(),
            backend: PhantomData,
        })
    }

    /// Augments every sample with a chain from a config.
    ///
    /// # Errors
    /// [`DataError::Invalid`] with every problem of the chain.
    pub fn with_augment(self, chain: &[TransformConfig]) -> Result<Self, DataError> {
        Ok(self.with_transforms(Chain::from_config(chain)?))
    }

    /// Augments every sample with transforms of your own.
    #[must_use]
    pub fn with_transforms(mut self, chain: Chain) -> Self {
        self.chain = chain;
        self
    }

    /// Takes threads and memory from what the program may use, see [`StrategyConfig::build`]: its config's strategies anew.
    ///
    /// # Errors
    /// [`DataError::Other`] when a cache is over the memory budget; items that wait find out when an epoch starts.
    pub fn within(mut self, resources: &ResourceManager) -> Result<Self, DataError> {
        let workers = Parallel::new(self.config.workers).with_queue_bytes(self.config.queue_bytes);
        let place = self.samples.location(0);
        self.strategy = StrategyConfig::build(&self.config.strategy, workers, place.as_ref(), Some(resources))?;
        Ok(self)
    }

    /// Moves the samples with a strategy of your own.
    #[must_use]
    pub fn with_strategy(mut self, strategy: Box<dyn DataLoadStrategy<Prepared>>) -> Self {
        self.strategy = strategy;
        self
    }

    /// Goes through the samples as this sampler says, see [`Weighted`](crate::Weighted), [`ClassBalanced`](crate::ClassBalanced) …
    #[must_use]
    pub fn with_sampler(mut self, sampler: Arc<dyn Sampler>) -> Self {
        self.sampler = sampler;
        self
    }

    /// Puts the batches on this device, such as one with autodiff turned on.
    #[must_use]
    pub fn on_device(mut self, device: Device) -> Self {
        self.device = device;
        self
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &LoaderConfig {
        &self.config
    }

    /// How an image becomes an input.
    #[must_use]
    pub fn preprocess(&self) -> &Preprocess {
        &self.spec
    }
}

impl<B: Backend> DataLoader for Loader<B> {
    type Batch = ImageBatch;

    fn batches_per_epoch(&self) -> usize {
        self.config.batches(self.samples_of_rank())
    }

    fn samples_per_epoch(&self) -> usize {
        let samples = self.samples_of_rank();
        if self.config.drop_last { self.config.batches(samples) * self.config.batch_size } else { samples }
    }

    fn epoch(&self, epoch: usize, first_batch: usize) -> Result<BatchIter<ImageBatch>, DataError> {
        let plan = self.config.plan(&self.sampler, epoch, first_batch)?;
        let (spec, chain) = (self.spec.clone(), self.chain.clone());
        let dataset = PreparedDataset::new(self.samples.clone(), spec, chain, self.pixels.clone())
            .with_reduced_decoding(self.config.reduced_decoding);
        let (keys, batches_left) = (plan.keys().into_iter(), self.config.batches(plan.len()));
        Ok(Box::new(Batches {
            items: self.strategy.load(Arc::new(dataset), plan)?,
            keys,
            stack: self.stack.clone(),
            batch_size: self.config.batch_size,
            batches_left,
            on_corrupt: self.config.on_corrupt,
            skipped: self.skipped.clone(),
            device: self.device.clone(),
            only_skipped: None,
            any_batch: false,
        }))
    }

    fn take_skipped(&self) -> Vec<SkippedSample> {
        std::mem::take(&mut *self.skipped.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<B: Backend> Loader<B> {
    /// How many samples fall to this rank.
    fn samples_of_rank(&self) -> usize {
        self.config.plan(&self.sampler, 0, 0).map_or(0, |plan| plan.len())
    }
}
