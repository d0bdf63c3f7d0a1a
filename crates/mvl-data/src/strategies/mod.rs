//! How the bytes move. One strategy is one file; all yield the same items in the same order.
//!
//! [`Sequential`] and [`Parallel`] make the items. The others wrap a strategy and put something between it and the data set:
//! each wraps the data set and hands it on, so **the outermost is nearest to the store**. In
//! `Cached::in_memory(bytes, MemoryMapped::new(Parallel::new(4)))` four threads make items from records; what the cache has comes from
//! there, what it lacks is mapped, and kept. [`Prefetch`] alone does not wrap the data set but the finished items.

mod cached;
mod config;
mod fetching;
mod memory_mapped;
mod parallel;
mod prefetch;
mod queue;
mod sequential;
mod sharded;
#[cfg(feature = "remote")]
mod streaming;
mod usual;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mvl_core::{DataError, Dataset, SampleKey};

pub use cached::{CacheMonitor, CacheStatistics, Cached};
pub use config::StrategyConfig;
pub use memory_mapped::MemoryMapped;
pub use parallel::Parallel;
pub use prefetch::Prefetch;
pub use queue::DEFAULT_QUEUE_BYTES;
pub use sequential::Sequential;
pub use sharded::Sharded;
#[cfg(feature = "remote")]
pub use streaming::Streaming;
pub use usual::usual_strategy;

/// Asks the data set for an item and measures it; a panic of either becomes an error in the item's place.
fn make_item<I, T>(dataset: &dyn Dataset<I>, key: SampleKey, measure: impl FnOnce(I) -> T) -> Result<T, DataError> {
    caught(key.index, || dataset.get(key).map(measure))
}

/// Makes the item with this index; a panic becomes an error.
fn caught<T>(index: usize, make: impl FnOnce() -> Result<T, DataError>) -> Result<T, DataError> {
    // A data set is shared by reference, and whatever a panic left half-done inside it is its own to guard.
    catch_unwind(AssertUnwindSafe(make))
        .unwrap_or_else(|panic| Err(DataError::Panicked { index, message: panic_message(&*panic) }))
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
