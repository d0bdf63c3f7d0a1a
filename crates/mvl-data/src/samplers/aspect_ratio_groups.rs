//! Batches of images of about the same shape, so that little of them is padding.

use mvl_core::{DataError, Pick, Sampler, sampler_rng};

/// Width over height where one group ends and the next begins: halves to doubles, three steps an octave.
const GROUP_BORDERS: [f64; 7] =
    [0.5, 0.629_960_524_947_436_6, 0.793_700_525_984_099_7, 1.0, 1.259_921_049_894_873_2, 1.587_401_051_968_199_4, 2.0];

/// Cuts an epoch into batches whose images are all of one group of aspect ratios, and shuffles the images of each group and the
/// batches.
///
/// `batch_size * world_size` places in a row are of one group, so that every rank's batch is, and all ranks' batches at a step are of
/// the same. The last places of a group are filled up with images of the group that the epoch has had before, under another
/// augmentation: an epoch is longer than the data set by less than a batch of all ranks for each of the eight groups.
///
/// # Example
/// ```
/// use mvl_core::Sampler;
/// let (tall, wide) = (0.6, 1.5);
/// let sampler = mvl_data::AspectRatioGroups::new(&[tall, wide, tall, wide, wide], 2, 1)?;
/// let batches: Vec<_> = sampler.picks(0, 0).chunks(2).map(|batch| [batch[0].index, batch[1].index]).collect();
/// assert_eq!(batches.len(), 3); // one of tall images, two of wide ones
/// # Ok::<(), mvl_core::DataError>(())
/// ```
///
/// # Source
/// torchvision's `references/detection/group_by_aspect_ratio.py` with its default of three steps an octave. There the batches that
/// cannot be filled are dropped or filled from a few groups, here all of them are filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AspectRatioGroups {
    /// The items of each group that has any.
    groups: Vec<Vec<usize>>,
    /// Places in a row that are of one group.
    run: usize,
}

impl AspectRatioGroups {
    /// The aspect ratio (width over height) of each item, as [`aspect_ratios`](super::aspect_ratios) reads them, and the batches
    /// that the loader will cut.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when a ratio is not above 0 and finite, or the batch size or world size is 0.
    pub fn new(ratios: &[f64], batch_size: usize, world_size: usize) -> Result<Self, DataError> {
        let Some(run) = batch_size.checked_mul(world_size).filter(|&run| run > 0) else {
            let what =
                format!("expected a batch size and a world size of at least 1, got {batch_size} and {world_size}");
            return Err(DataError::invalid(what));
        };
        let mut groups = vec![Vec::new(); GROUP_BORDERS.len() + 1];
        for (index, &ratio) in ratios.iter().enumerate() {
            if !(ratio > 0.0 && ratio.is_finite()) {
                return Err(DataError::invalid(format!(
                    "expected aspect ratios above 0, got {ratio} at index {index}"
                )));
            }
            groups[GROUP_BORDERS.partition_point(|&border| border <= ratio)].push(index);
        }
        groups.retain(|group| !group.is_empty());
        Ok(Self { groups, run })
    }
}

impl Sampler for AspectRatioGroups {
    fn len(&self) -> usize {
        self.groups.iter().map(|group| group.len().next_multiple_of(self.run)).sum()
    }

    fn picks(&self, seed: u64, epoch: usize) -> Vec<Pick> {
        let mut rng = sampler_rng(seed, epoch);
        let mut runs = Vec::new();
        for group in &self.groups {
            let order = rng.permutation(group.len());
            let pick = |place: usize| Pick { index: group[order[place % order.len()]], repeat: place / order.len() };
            let starts = (0..group.len()).step_by(self.run);
            runs.extend(starts.map(|start| (start..start + self.run).map(pick).collect::<Vec<_>>()));
        }
        rng.permutation(runs.len()).into_iter().flat_map(|run| std::mem::take(&mut runs[run])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_are_three_steps_an_octave() {
        for (place, border) in GROUP_BORDERS.into_iter().enumerate() {
            assert!((border - 2_f64.powf(place as f64 / 3.0 - 1.0)).abs() < 1e-15);
        }
    }

    #[test]
    fn every_batch_of_every_rank_is_of_one_group() {
        let ratios: Vec<f64> = (0..101).map(|index| [0.4, 0.7, 1.0, 1.1, 1.6, 3.0][index * index % 6]).collect();
        let group = |index: usize| GROUP_BORDERS.partition_point(|&border| border <= ratios[index]);
        for (batch_size, world_size) in [(1, 1), (4, 1), (4, 2), (3, 4), (200, 1)] {
            let sampler = AspectRatioGroups::new(&ratios, batch_size, world_size).expect("good ratios");
            let picks = sampler.picks(5, 2);
            assert_eq!(picks.len(), sampler.len());
            for run in picks.chunks(batch_size * world_size) {
                assert!(run.iter().all(|pick| group(pick.index) == group(run[0].index)));
            }
            let mut first: Vec<usize> = picks.iter().filter(|pick| pick.repeat == 0).map(|pick| pick.index).collect();
            first.sort_unstable();
            assert_eq!(first, (0..101).collect::<Vec<_>>(), "every item comes");
        }
    }

    #[test]
    fn what_is_no_ratio_is_refused() {
        let message =
            |ratios: &[f64], batch_size| AspectRatioGroups::new(ratios, batch_size, 1).expect_err("bad").to_string();
        assert_eq!(message(&[1.0, 0.0], 1), "expected aspect ratios above 0, got 0 at index 1");
        assert_eq!(message(&[1.0], 0), "expected a batch size and a world size of at least 1, got 0 and 1");
    }
}
