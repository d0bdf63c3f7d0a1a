//! The batches of one epoch, counted.

use mvl_core::{BatchIter, DataLoader};

use crate::TrainError;

/// The batches of an epoch from `first_batch` on: an iterator that ends with an error, never in silence, when the loader
/// gives more or fewer than it promised.
///
/// `pass` is `training` or `validation`, for messages.
///
/// # Errors
/// [`TrainError::Data`] when loading cannot start; the items are [`TrainError::Data`] and [`TrainError::BatchCount`].
pub fn epoch_batches<B>(
    loader: &dyn DataLoader<Batch = B>,
    pass: &'static str,
    epoch: usize,
    first_batch: usize,
) -> Result<EpochBatches<B>, TrainError> {
    let expected = loader.batches_per_epoch();
    let batches = if first_batch < expected {
        let batches = loader.epoch(epoch, first_batch);
        Some(batches.map_err(|source| TrainError::Data { pass, epoch, source })?)
    } else {
        None
    };
    Ok(EpochBatches { batches, pass, epoch, expected, got: first_batch })
}

/// See [`epoch_batches`].
pub struct EpochBatches<B> {
    /// `None` once the epoch is over.
    batches: Option<BatchIter<B>>,
    pass: &'static str,
    epoch: usize,
    expected: usize,
    got: usize,
}

impl<B> Iterator for EpochBatches<B> {
    type Item = Result<B, TrainError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (pass, epoch, expected) = (self.pass, self.epoch, self.expected);
        let next = self.batches.as_mut()?.next();
        self.got += usize::from(next.is_some());
        match next {
            Some(Ok(batch)) if self.got <= expected => Some(Ok(batch)),
            Some(Err(source)) => {
                self.batches = None;
                Some(Err(TrainError::Data { pass, epoch, source }))
            }
            ended => {
                self.batches = None;
                let right = ended.is_none() && self.got == expected;
                (!right).then_some(Err(TrainError::BatchCount { pass, epoch, expected, got: self.got }))
            }
        }
    }
}

impl<B> EpochBatches<B> {
    /// The next `size` batches, fewer at the end of the epoch, `None` after it: what one update is made of.
    ///
    /// # Errors
    /// That of the first batch that could not be had.
    pub fn next_group(&mut self, size: usize) -> Result<Option<Vec<B>>, TrainError> {
        let group = self.take(size.max(1)).collect::<Result<Vec<B>, TrainError>>()?;
        Ok((!group.is_empty()).then_some(group))
    }
}

impl<B> std::fmt::Debug for EpochBatches<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EpochBatches").field("expected", &self.expected).field("got", &self.got).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use mvl_core::{DataError, SkippedSample};

    use super::*;

    /// Promises one number of batches and gives another.
    struct Liar {
        promised: usize,
        given: usize,
    }

    impl DataLoader for Liar {
        type Batch = usize;
        fn batches_per_epoch(&self) -> usize {
            self.promised
        }
        fn samples_per_epoch(&self) -> usize {
            self.promised
        }
        fn epoch(&self, _: usize, first_batch: usize) -> Result<BatchIter<usize>, DataError> {
            Ok(Box::new((first_batch..self.given).map(Ok)))
        }
        fn take_skipped(&self) -> Vec<SkippedSample> {
            Vec::new()
        }
    }

    #[test]
    fn groups_end_with_the_epoch() {
        let liar = Liar { promised: 5, given: 5 };
        let mut batches = epoch_batches(&liar, "training", 0, 1).expect("can start");
        let mut group = || batches.next_group(3).map_err(|error| error.to_string());
        assert_eq!(group(), Ok(Some(vec![1, 2, 3])));
        assert_eq!(group(), Ok(Some(vec![4])));
        assert_eq!(group(), Ok(None));
        let short = Liar { promised: 5, given: 4 };
        assert!(epoch_batches(&short, "training", 0, 3).expect("can start").next_group(2).is_err());
    }

    fn run(promised: usize, given: usize, first: usize) -> Result<Vec<usize>, String> {
        let batches =
            epoch_batches(&Liar { promised, given }, "training", 1, first).map_err(|error| error.to_string())?;
        batches.collect::<Result<_, _>>().map_err(|error| error.to_string())
    }

    #[test]
    fn the_promised_number_passes() {
        assert_eq!(run(3, 3, 0), Ok(vec![0, 1, 2]));
        assert_eq!(run(3, 3, 2), Ok(vec![2]));
        assert_eq!(run(3, 3, 3), Ok(vec![]));
    }

    #[test]
    fn a_short_or_long_epoch_is_an_error() {
        let short = run(3, 2, 0).expect_err("one is missing");
        assert!(short.starts_with("the training loader promised 3 batches an epoch and gave 2 in epoch 2"), "{short}");
        let long = run(3, 5, 0).expect_err("two too many");
        assert!(long.contains("gave at least 4 in epoch 2"), "{long}");
    }
}
