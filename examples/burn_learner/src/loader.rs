//! Our loaders where burn wants one of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::data::dataloader::{self, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::Device;
use mvl::core::BatchIter;
use mvl::prelude::*;

/// Every pass of burn's over it is the next epoch of a loader, which knows its device.
pub struct Epochs<L> {
    loader: Arc<L>,
    next: Arc<AtomicUsize>,
}

impl<L> Epochs<L> {
    /// Begins with an epoch, counted from 0.
    pub fn from(loader: L, epoch: usize) -> Arc<Self> {
        Arc::new(Self { loader: Arc::new(loader), next: Arc::new(AtomicUsize::new(epoch)) })
    }
}

impl<L: DataLoader<Batch = ImageBatch> + 'static> dataloader::DataLoader<ImageBatch> for Epochs<L> {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<ImageBatch> + 'a> {
        let epoch = self.next.fetch_add(1, Ordering::Relaxed);
        let progress = Progress::new(0, self.num_items(), Some("images".to_owned()));
        let batches = self.loader.epoch(epoch, 0).unwrap_or_else(|error| Box::new(std::iter::once(Err(error))));
        Box::new(Pass { batches, progress })
    }

    fn num_items(&self) -> usize {
        self.loader.samples_per_epoch()
    }

    fn to_device(&self, _device: &Device) -> Arc<dyn dataloader::DataLoader<ImageBatch>> {
        Arc::new(Self { loader: self.loader.clone(), next: self.next.clone() })
    }

    /// # Panics
    /// Always: burn asks for parts only to train on several devices.
    fn slice(&self, _start: usize, _end: usize) -> Arc<dyn dataloader::DataLoader<ImageBatch>> {
        panic!("this loader feeds one device")
    }
}

struct Pass {
    batches: BatchIter<ImageBatch>,
    progress: Progress,
}

impl Iterator for Pass {
    type Item = Result<ImageBatch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.batches.next()?;
        self.progress.items_processed += batch.as_ref().map_or(0, ImageBatch::len);
        Some(batch.map_err(DatasetError::new))
    }
}

impl DataLoaderIterator<ImageBatch> for Pass {
    fn progress(&self) -> Progress {
        self.progress.clone()
    }
}
