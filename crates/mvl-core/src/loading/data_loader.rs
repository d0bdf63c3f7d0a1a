//! Batches for a training loop.

use burn::tensor::Device;

use crate::{DataError, SkippedSample};

/// The batches of one epoch, in order.
pub type BatchIter<B> = Box<dyn Iterator<Item = Result<B, DataError>> + Send>;

/// Yields epochs of batches; what a trainer asks of its data.
pub trait DataLoader: Send + Sync {
    /// What a batch is.
    type Batch;

    /// Batches in every epoch, whatever becomes of single samples.
    fn batches_per_epoch(&self) -> usize;

    /// Samples in every epoch, before any is skipped.
    fn samples_per_epoch(&self) -> usize;

    /// Starts an epoch at a batch; 0 is the first. Batch `k` holds the same samples wherever the epoch started.
    ///
    /// # Errors
    /// When loading cannot start.
    fn epoch(&self, epoch: usize, first_batch: usize) -> Result<BatchIter<Self::Batch>, DataError>;

    /// The samples left out since the last call, when the policy is to skip what cannot be read.
    fn take_skipped(&self) -> Vec<SkippedSample>;
}

/// Makes a batch of items on a device.
pub trait Collate<I>: Send + Sync {
    /// What a batch is.
    type Batch: Send;

    /// Stacks the items.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when the items do not fit together.
    fn collate(&self, items: Vec<I>, device: &Device) -> Result<Self::Batch, DataError>;
}
