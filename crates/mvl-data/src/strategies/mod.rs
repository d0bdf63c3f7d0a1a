//! How the bytes move: one item after the other, or by several threads. Both yield the same items in the same order.

mod parallel;
mod sequential;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mvl_core::{DataError, Dataset, SampleKey};

pub use parallel::{DEFAULT_QUEUE_BYTES, Parallel};
pub use sequential::Sequential;

/// Asks the data set for an item and measures it; a panic of either becomes an error in the item's place.
fn make_item<I, T>(dataset: &dyn Dataset<I>, key: SampleKey, measure: impl FnOnce(I) -> T) -> Result<T, DataError> {
    // A data set is shared by reference, and whatever a panic left half-done inside it is its own to guard.
    catch_unwind(AssertUnwindSafe(|| dataset.get(key).map(measure)))
        .unwrap_or_else(|panic| Err(DataError::Panicked { index: key.index, message: panic_message(&*panic) }))
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
