//! How the bytes move.

use std::sync::Arc;

use crate::{DataError, Dataset, EpochPlan};

/// The items of one epoch, in the plan's order.
pub type ItemIter<I> = Box<dyn Iterator<Item = Result<I, DataError>> + Send>;

/// Moves items from a data set to whoever asks: in sequence, in parallel, prefetched, cached …
///
/// The contract, proven by [`conformance::strategy`](crate::conformance::strategy): for one plan every strategy yields the same
/// items in the same order, one for each key of the plan; an item that cannot be made is an `Err` in its place and the
/// items after it still come; a panic of the data set is such an `Err`; dropping the iterator early ends its work. Only time
/// and memory differ.
pub trait DataLoadStrategy<I: Send + 'static>: Send + Sync {
    /// Starts loading.
    ///
    /// # Errors
    /// When loading cannot start at all, such as when no thread can be made.
    fn load(&self, dataset: Arc<dyn Dataset<I>>, plan: EpochPlan) -> Result<ItemIter<I>, DataError>;
}

impl<I: Send + 'static, S: DataLoadStrategy<I> + ?Sized> DataLoadStrategy<I> for Box<S> {
    fn load(&self, dataset: Arc<dyn Dataset<I>>, plan: EpochPlan) -> Result<ItemIter<I>, DataError> {
        (**self).load(dataset, plan)
    }
}
