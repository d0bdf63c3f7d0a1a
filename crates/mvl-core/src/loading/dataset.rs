//! What is loaded.

use std::sync::Arc;

use crate::{DataError, SampleKey};

/// A finite collection of items that can be made in any order, from any thread.
pub trait Dataset<I>: Send + Sync {
    /// How many items there are.
    fn len(&self) -> usize;

    /// Makes one item: a pure function of the key.
    ///
    /// # Errors
    /// [`DataError`] with the item's place, when its bytes cannot be read or its index is past the end.
    fn get(&self, key: SampleKey) -> Result<I, DataError>;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<I, D: Dataset<I> + ?Sized> Dataset<I> for Arc<D> {
    fn len(&self) -> usize {
        (**self).len()
    }

    fn get(&self, key: SampleKey) -> Result<I, DataError> {
        (**self).get(key)
    }
}

/// Items that are already in memory.
impl<I: Clone + Send + Sync> Dataset<I> for Vec<I> {
    fn len(&self) -> usize {
        self.as_slice().len()
    }

    fn get(&self, key: SampleKey) -> Result<I, DataError> {
        let len = self.as_slice().len();
        let item = self.as_slice().get(key.index).cloned();
        item.ok_or_else(|| DataError::invalid(format!("index {} is past the end of {len} items", key.index)))
    }
}
