//! Your own loading strategy: one thread that works ahead by a fixed number of items. The suite proves it, a loader uses it.
//!
//! Run: `cargo run --release -p mvl-examples --example own_strategy`
//! Prints how many batches came, in under a second.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;

use mvl::prelude::*;
use mvl_examples::{clothes, clothes_preprocess};

/// Works ahead by so many items.
struct Ahead(usize);

impl<I: Send + 'static> DataLoadStrategy<I> for Ahead {
    fn load(&self, dataset: Arc<dyn Dataset<I>>, plan: EpochPlan) -> Result<ItemIter<I>, DataError> {
        let (sender, receiver) = sync_channel(self.0);
        let work = move || {
            for key in plan.keys() {
                // An item that cannot be made is an error in its place; the items after it still come.
                let item = catch_unwind(AssertUnwindSafe(|| dataset.get(key))).unwrap_or_else(|_| {
                    Err(DataError::Panicked { index: key.index, message: "see standard error".to_owned() })
                });
                if sender.send(item).is_err() {
                    return; // nobody is listening any more
                }
            }
        };
        let thread = thread::Builder::new().name("ahead".to_owned()).spawn(work);
        thread.map_err(|error| DataError::Other { what: "cannot start a thread".to_owned(), source: error.into() })?;
        Ok(Box::new(receiver.into_iter()))
    }
}

fn main() -> anyhow::Result<()> {
    let numbers: Vec<usize> = (0..50).collect();
    println!("(the next panics are made on purpose, by the suite)");
    mvl::core::conformance::strategy([1], |_workers| Box::new(Ahead(4)), Arc::new(numbers));

    let (train, _) = clothes(200)?;
    let loader =
        Loader::<Cpu>::new(train, clothes_preprocess(), 0, LoaderConfig::new(32))?.with_strategy(Box::new(Ahead(64)));
    let mut batches = 0;
    for batch in loader.epoch(0, 0)? {
        anyhow::ensure!(!batch?.is_empty(), "expected pictures in every batch");
        batches += 1;
    }
    println!("{batches} batches, {} pictures", loader.samples_per_epoch());
    anyhow::ensure!(batches == loader.batches_per_epoch(), "expected {} batches", loader.batches_per_epoch());
    Ok(())
}
