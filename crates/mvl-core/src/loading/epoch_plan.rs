//! Which items, and when: a pure function of length, seed, epoch, rank and world size.

use std::sync::Arc;

use super::sampler::EveryItem;
use crate::{DataError, Order, SampleKey, Sampler};

/// The order in which one rank goes through a data set in one epoch.
///
/// # Example
/// ```
/// use mvl_core::{EpochPlan, Order};
/// let plan = EpochPlan::new(5, Order::Sequential).with_rank(1, 2).expect("rank 1 of 2");
/// assert_eq!(plan.keys().iter().map(|key| key.index).collect::<Vec<_>>(), [1, 3]);
/// ```
#[derive(Debug, Clone)]
pub struct EpochPlan {
    sampler: Arc<dyn Sampler>,
    seed: u64,
    epoch: usize,
    rank: usize,
    world_size: usize,
    start: usize,
}

impl EpochPlan {
    /// All items of a data set of this length, for a single process, epoch 0, seed 0.
    pub fn new(len: usize, order: Order) -> Self {
        Self::sampled(Arc::new(EveryItem::new(len, order)))
    }

    /// What a sampler picks, for a single process, epoch 0, seed 0.
    pub fn sampled(sampler: Arc<dyn Sampler>) -> Self {
        Self { sampler, seed: 0, epoch: 0, rank: 0, world_size: 1, start: 0 }
    }

    /// Sets the run's seed.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the epoch, from 0.
    pub fn with_epoch(mut self, epoch: usize) -> Self {
        self.epoch = epoch;
        self
    }

    /// Takes every `world_size`-th item of this plan, beginning with the `rank`-th. A share can be shared out again.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when `rank` is not below `world_size`, or the plan starts late: a start counts a rank's own items.
    pub fn with_rank(mut self, rank: usize, world_size: usize) -> Result<Self, DataError> {
        if rank >= world_size {
            return Err(DataError::invalid(format!("expected a rank below the world size {world_size}, got {rank}")));
        }
        if self.start > 0 {
            return Err(DataError::invalid("a plan is shared out before its start is set, not after"));
        }
        self.rank += self.world_size * rank;
        self.world_size *= world_size;
        Ok(self)
    }

    /// Leaves out this rank's first items, as a resumed run does.
    pub fn starting_at(mut self, start: usize) -> Self {
        self.start = start;
        self
    }

    /// The items this rank will see, in order.
    pub fn keys(&self) -> Vec<SampleKey> {
        let picks = self.sampler.picks(self.seed, self.epoch);
        let mine = picks.into_iter().skip(self.rank).step_by(self.world_size).skip(self.start);
        let key = |pick: crate::Pick| SampleKey {
            index: pick.index,
            epoch: self.epoch,
            seed: self.seed,
            repeat: pick.repeat,
        };
        mine.map(key).collect()
    }

    /// How many items this rank will see.
    pub fn len(&self) -> usize {
        self.sampler.len().saturating_sub(self.rank).div_ceil(self.world_size).saturating_sub(self.start)
    }

    /// Whether this rank will see none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indices(plan: &EpochPlan) -> Vec<usize> {
        plan.keys().iter().map(|key| key.index).collect()
    }

    #[test]
    fn a_shuffle_is_a_permutation_that_changes_with_epoch_and_seed() {
        let plan = EpochPlan::new(100, Order::Shuffled);
        let mut sorted = indices(&plan);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
        assert_eq!(indices(&plan), indices(&plan));
        assert_ne!(indices(&plan), indices(&plan.clone().with_epoch(1)));
        assert_ne!(indices(&plan), indices(&plan.clone().with_seed(1)));
    }

    #[test]
    fn ranks_share_out_the_same_epoch() {
        let plan = EpochPlan::new(11, Order::Shuffled).with_seed(5);
        for world_size in [1, 2, 4] {
            let mut dealt = vec![Vec::new(); world_size];
            for (rank, share) in dealt.iter_mut().enumerate() {
                let mine = plan.clone().with_rank(rank, world_size).expect("rank below world size");
                *share = indices(&mine);
                assert_eq!(share.len(), mine.len());
            }
            let merged: Vec<usize> = (0..11).map(|place| dealt[place % world_size][place / world_size]).collect();
            assert_eq!(merged, indices(&plan));
        }
        assert!(plan.clone().with_rank(2, 2).is_err());
    }

    #[test]
    fn a_late_start_drops_the_first_items() {
        let plan = EpochPlan::new(7, Order::Shuffled).with_rank(1, 2).expect("rank 1 of 2");
        assert_eq!(indices(&plan.clone().starting_at(2)), indices(&plan)[2..]);
        assert_eq!(plan.clone().starting_at(9).len(), 0);
    }

    #[test]
    fn a_share_is_shared_out_again() {
        let plan = EpochPlan::new(23, Order::Shuffled);
        let half = plan.clone().with_rank(1, 2).expect("1 of 2");
        let eighth = half.clone().with_rank(2, 4).expect("2 of 4");
        let expected: Vec<usize> = indices(&half).into_iter().skip(2).step_by(4).collect();
        assert_eq!((indices(&eighth), eighth.len()), (expected.clone(), expected.len()));
        assert!(half.starting_at(1).with_rank(0, 2).is_err());
    }
}
