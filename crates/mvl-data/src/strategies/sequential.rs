//! One item after the other, on the caller's thread, when it is asked for.

use std::sync::Arc;

use mvl_core::{DataError, DataLoadStrategy, Dataset, EpochPlan, ItemIter};

use super::make_item;

/// Loads on the caller's thread: nothing is read ahead, nothing waits in memory.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use mvl_core::{DataLoadStrategy, EpochPlan, Order};
/// let items = mvl_data::Sequential.load(Arc::new(vec![5_usize, 6]), EpochPlan::new(2, Order::Sequential))?;
/// assert_eq!(items.collect::<Result<Vec<_>, _>>()?, [5, 6]);
/// # Ok::<(), mvl_core::DataError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sequential;

impl<I: Send + 'static> DataLoadStrategy<I> for Sequential {
    fn load(&self, dataset: Arc<dyn Dataset<I>>, plan: EpochPlan) -> Result<ItemIter<I>, DataError> {
        Ok(Box::new(plan.keys().into_iter().map(move |key| make_item(&*dataset, key, |item| item))))
    }
}
