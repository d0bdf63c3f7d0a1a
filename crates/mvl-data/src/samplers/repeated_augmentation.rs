//! Each picked image several times an epoch, augmented otherwise each time.

use mvl_core::{DataError, Pick, Sampler, sampler_rng};

/// Picks every item `repeats` times in a row, so that ranks, which take turns, see the same item under different augmentations; with
/// a single rank they share its batch.
///
/// An epoch is as long as the data set, so it comes to one in `repeats` of the items.
///
/// # Example
/// ```
/// use mvl_core::Sampler;
/// let picks = mvl_data::RepeatedAugmentation::new(9, 3)?.picks(7, 0);
/// assert_eq!(picks.iter().map(|pick| pick.repeat).collect::<Vec<_>>(), [0, 1, 2, 0, 1, 2, 0, 1, 2]);
/// assert_eq!(picks[0].index, picks[2].index);
/// # Ok::<(), mvl_core::DataError>(())
/// ```
///
/// # Source
/// E. Hoffer et al., Augment Your Batch: Improving Generalization Through Instance Repetition, 2020,
/// <https://arxiv.org/abs/1901.09335>; dealt out as DeiT's and timm's `RASampler` do, but without rounding an epoch down to a
/// multiple of 256 samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepeatedAugmentation {
    len: usize,
    repeats: usize,
}

impl RepeatedAugmentation {
    /// For a data set of this length; the literature's number of repeats is 3.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when `repeats` is 0.
    pub fn new(len: usize, repeats: usize) -> Result<Self, DataError> {
        if repeats == 0 {
            return Err(DataError::invalid("expected each picked item at least once, got 0 repeats"));
        }
        Ok(Self { len, repeats })
    }
}

impl Sampler for RepeatedAugmentation {
    fn len(&self) -> usize {
        self.len
    }

    fn picks(&self, seed: u64, epoch: usize) -> Vec<Pick> {
        let order = sampler_rng(seed, epoch).permutation(self.len);
        let repeated = order.into_iter().flat_map(|index| (0..self.repeats).map(move |repeat| Pick { index, repeat }));
        repeated.take(self.len).collect()
    }
}
