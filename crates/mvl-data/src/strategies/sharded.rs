//! One process's share of an epoch, for whoever drives a strategy without a loader.

use std::sync::Arc;

use mvl_core::{DataError, DataLoadStrategy, Dataset, EpochPlan, ItemIter};

/// Loads every `world_size`-th item of a plan with `S`, beginning with the `rank`-th.
///
/// The shares of all ranks, dealt back in turn, are the whole plan. Not for a [`Loader`](crate::Loader), which shares out by itself:
/// see [`LoaderConfig::rank`](crate::LoaderConfig::rank).
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use mvl_core::{DataLoadStrategy, EpochPlan, Order};
/// use mvl_data::{Sequential, Sharded};
/// let strategy = Sharded::new(1, 2, Sequential)?;
/// let items = strategy.load(Arc::new(vec![5_usize, 6, 7, 8]), EpochPlan::new(4, Order::Sequential))?;
/// assert_eq!(items.collect::<Result<Vec<_>, _>>()?, [6, 8]);
/// # Ok::<(), mvl_core::DataError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sharded<S> {
    inner: S,
    rank: usize,
    world_size: usize,
}

impl<S> Sharded<S> {
    /// The share of one process among `world_size`.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when `rank` is not below `world_size`.
    pub fn new(rank: usize, world_size: usize, inner: S) -> Result<Self, DataError> {
        if rank >= world_size {
            return Err(DataError::invalid(format!("expected a rank below the world size {world_size}, got {rank}")));
        }
        Ok(Self { inner, rank, world_size })
    }
}

/// [`DataError::Invalid`] for a plan that starts late: a start counts a rank's own items, so it is set on a rank's own plan.
impl<I: Send + 'static, S: DataLoadStrategy<I>> DataLoadStrategy<I> for Sharded<S> {
    fn load(&self, dataset: Arc<dyn Dataset<I>>, plan: EpochPlan) -> Result<ItemIter<I>, DataError> {
        self.inner.load(dataset, plan.with_rank(self.rank, self.world_size)?)
    }
}
