//! Does a sampler give the same epoch to whoever asks?

use std::collections::HashSet;
use std::sync::Arc;

use crate::{EpochPlan, Pick, Sampler};

/// Checks a sampler for a data set of `len` items against its contract.
///
/// # Panics
/// When an epoch is not as long as the sampler says, two askings for one differ, a pick lies past the end of the data set or comes
/// twice, or the shares of 2 and 4 ranks are not those of the whole.
pub fn sampler(sampler: Arc<dyn Sampler>, len: usize) {
    for (seed, epoch) in [(0, 0), (0, 1), (0, 7), (11, 0), (u64::MAX, 3)] {
        let picks = sampler.picks(seed, epoch);
        let place = format!("seed {seed}, epoch {epoch}");
        assert_eq!(picks.len(), sampler.len(), "{place}: an epoch of another length than {sampler:?} says");
        assert_eq!(picks, sampler.picks(seed, epoch), "{place}: the same epoch in another order");
        let mut seen = HashSet::new();
        for pick in &picks {
            assert!(pick.index < len, "{place}: {pick:?} lies past the end of {len} items");
            assert!(seen.insert(*pick), "{place}: {pick:?} comes twice");
        }
        let plan = EpochPlan::sampled(sampler.clone()).with_seed(seed).with_epoch(epoch);
        for world_size in [2, 4] {
            assert_eq!(dealt_back(&plan, world_size), picks, "{place}: {world_size} ranks see other items than one");
        }
    }
}

/// The shares of all ranks, put together again.
fn dealt_back(plan: &EpochPlan, world_size: usize) -> Vec<Pick> {
    let share = |rank| plan.clone().with_rank(rank, world_size).expect("a rank below the world size").keys();
    let shares: Vec<_> = (0..world_size).map(share).collect();
    let place = |at: usize| shares[at % world_size].get(at / world_size).copied();
    (0..).map_while(place).map(|key| Pick { index: key.index, repeat: key.repeat }).collect()
}
