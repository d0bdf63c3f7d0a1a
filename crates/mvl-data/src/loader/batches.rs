//! Cuts a stream of items into the batches that the plan fixed, and keeps to the policy about bad ones.

use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::Device;
use mvl_core::{Collate, DataError, ImageBatch, ItemIter, SampleKey, SkippedSample};

use super::{OnCorrupt, Prepared, StackImages};

/// Samples that were left out since they were last asked for.
pub(super) type Skipped = Arc<Mutex<Vec<SkippedSample>>>;

/// The batches of one epoch.
pub(super) struct Batches {
    pub(super) items: ItemIter<Prepared>,
    /// One key an item.
    pub(super) keys: std::vec::IntoIter<SampleKey>,
    pub(super) stack: Arc<StackImages>,
    pub(super) batch_size: usize,
    /// Batches that are left, whether or not one of their samples is.
    pub(super) batches_left: usize,
    pub(super) on_corrupt: OnCorrupt,
    pub(super) skipped: Skipped,
    pub(super) device: Device,
    /// The first sample that was left out while no batch has come yet.
    pub(super) only_skipped: Option<String>,
    pub(super) any_batch: bool,
}

impl Iterator for Batches {
    type Item = Result<ImageBatch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.batches_left > 0 {
            self.batches_left -= 1;
            match self.next_items() {
                Ok(items) if items.is_empty() => {} // all of them were skipped and recorded
                Ok(items) => {
                    self.any_batch = true;
                    return Some(self.stack.collate(items, &self.device));
                }
                Err(error) => {
                    self.any_batch = true;
                    return Some(Err(error));
                }
            }
        }
        let reason = self.only_skipped.take().filter(|_| !self.any_batch)?;
        Some(Err(DataError::invalid(format!("no image of the epoch could be read; the first: {reason}"))))
    }
}

impl Batches {
    /// The good items of one batch. All of its places are used up even when one fails, so that the next batch begins where
    /// the plan says.
    fn next_items(&mut self) -> Result<Vec<Prepared>, DataError> {
        let mut good = Vec::with_capacity(self.batch_size.min(self.keys.len()));
        let mut failure = None;
        for key in self.keys.by_ref().take(self.batch_size) {
            match self.items.next() {
                Some(Ok(item)) => good.push(item),
                Some(Err(error)) if self.on_corrupt == OnCorrupt::Skip => {
                    let reason = error.full_message();
                    self.only_skipped.get_or_insert_with(|| reason.clone());
                    let mut skipped = self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
                    skipped.push(SkippedSample { index: key.index, reason });
                }
                Some(Err(error)) => {
                    failure.get_or_insert(error);
                }
                None => {
                    let what = "the strategy ended before its plan did; prove it with mvl_core::conformance::strategy";
                    return Err(DataError::invalid(what));
                }
            }
        }
        match failure {
            Some(error) => Err(error),
            None => Ok(good),
        }
    }
}
