//! The strategy for those who have no opinion.

use mvl_core::{ByteSize, DataLoadStrategy, Location};

use super::Parallel;

/// Makes items with [`Parallel`]; where records lie in an object store they are fetched ahead of that, by `Streaming`.
///
/// `place` is where one of the records lies, `workers` the number of threads, 0 for one a core, and `queue_bytes` the budget for
/// finished items that wait.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use mvl_core::{DataLoadStrategy, Dataset, EpochPlan, Order};
/// let numbers = vec![5_usize, 6];
/// let strategy = mvl_data::usual_strategy(numbers.location(0).as_ref(), 2, 1 << 20);
/// let items = strategy.load(Arc::new(numbers), EpochPlan::new(2, Order::Sequential))?;
/// assert_eq!(items.collect::<Result<Vec<_>, _>>()?, [5, 6]);
/// # Ok::<(), mvl_core::DataError>(())
/// ```
#[must_use]
pub fn usual_strategy<I: ByteSize + Send + 'static>(
    place: Option<&Location>,
    workers: usize,
    queue_bytes: usize,
) -> Box<dyn DataLoadStrategy<I>> {
    streamed(place, Parallel::new(workers).with_queue_bytes(queue_bytes))
}

/// A strategy with `Streaming` around it where records lie in an object store.
pub(super) fn streamed<I: Send + 'static>(
    place: Option<&Location>,
    inner: impl DataLoadStrategy<I> + 'static,
) -> Box<dyn DataLoadStrategy<I>> {
    match place {
        #[cfg(feature = "remote")]
        Some(place) if place.is_url() => Box::new(super::Streaming::new(inner)),
        _ => Box::new(inner),
    }
}
