//! Every strategy keeps its contract, and `Parallel` its budget.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mvl_core::{ByteSize, DataError, DataLoadStrategy, Dataset, EpochPlan, Order, SampleKey, conformance};
use mvl_data::{Parallel, Sequential};

const WORKERS: [usize; 4] = [1, 2, 3, 8];

/// Items of differing sizes that depend on the whole key.
struct Bytes {
    len: usize,
}

impl Dataset<Vec<u8>> for Bytes {
    fn len(&self) -> usize {
        self.len
    }

    fn get(&self, key: SampleKey) -> Result<Vec<u8>, DataError> {
        let mut rng = key.rng(0);
        let len = rng.below(200);
        Ok((0..len).map(|_| rng.next_u64() as u8).collect())
    }
}

#[test]
fn sequential_keeps_the_contract() {
    conformance::strategy::<Vec<u8>, _>(&Sequential, Arc::new(Bytes { len: 40 }));
}

#[test]
fn parallel_keeps_the_contract_with_any_number_of_workers() {
    for workers in WORKERS {
        conformance::strategy::<Vec<u8>, _>(&Parallel::new(workers), Arc::new(Bytes { len: 40 }));
    }
}

#[test]
fn parallel_keeps_the_contract_with_hardly_any_room() {
    for (workers, queue_bytes) in [(1, 0), (2, 1), (3, 150), (8, 500)] {
        let strategy = Parallel::new(workers).with_queue_bytes(queue_bytes);
        conformance::strategy::<Vec<u8>, _>(&strategy, Arc::new(Bytes { len: 40 }));
    }
}

/// Counts the bytes of items that were made and not dropped.
#[derive(Default)]
struct Alive {
    now: AtomicUsize,
    most: AtomicUsize,
}

struct Counted {
    bytes: usize,
    alive: Arc<Alive>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.alive.now.fetch_sub(self.bytes, Ordering::SeqCst);
    }
}

impl ByteSize for Counted {
    fn byte_size(&self) -> usize {
        self.bytes
    }
}

struct CountedItems {
    sizes: Vec<usize>,
    alive: Arc<Alive>,
}

impl Dataset<Counted> for CountedItems {
    fn len(&self) -> usize {
        self.sizes.as_slice().len()
    }

    fn get(&self, key: SampleKey) -> Result<Counted, DataError> {
        let bytes = self.sizes[key.index];
        let now = self.alive.now.fetch_add(bytes, Ordering::SeqCst) + bytes;
        self.alive.most.fetch_max(now, Ordering::SeqCst);
        Ok(Counted { bytes, alive: self.alive.clone() })
    }
}

/// The most bytes that were ever alive, less the one item that the slow consumer holds.
fn peak_beside_the_consumers(strategy: Parallel, sizes: Vec<usize>) -> usize {
    let alive = Arc::new(Alive::default());
    let largest = *sizes.iter().max().expect("there are items");
    let plan = EpochPlan::new(sizes.len(), Order::Sequential);
    let dataset = CountedItems { sizes, alive: alive.clone() };
    let items = strategy.load(Arc::new(dataset), plan).expect("it starts");
    for item in items {
        std::thread::sleep(Duration::from_micros(200)); // the workers fill the queue meanwhile
        drop(item.expect("every item is good"));
    }
    assert_eq!(alive.now.load(Ordering::SeqCst), 0, "something was left behind");
    alive.most.load(Ordering::SeqCst).saturating_sub(largest)
}

#[test]
fn what_waits_stays_within_the_budget() {
    for workers in WORKERS {
        for (budget, size) in [(1_000, 100), (1_000, 99), (250, 100), (100, 100)] {
            let strategy = Parallel::new(workers).with_queue_bytes(budget);
            let peak = peak_beside_the_consumers(strategy, vec![size; 100]);
            assert!(peak <= budget, "{workers} workers, {size} of {budget} bytes: {peak}");
        }
    }
}

#[test]
fn the_budget_is_used() {
    let alive = Arc::new(Alive::default());
    let dataset = CountedItems { sizes: vec![100; 50], alive: alive.clone() };
    let strategy = Parallel::new(2).with_queue_bytes(1_000);
    let mut items = strategy.load(Arc::new(dataset), EpochPlan::new(50, Order::Sequential)).expect("it starts");
    let _held = items.next().expect("a first item").expect("a good one");
    let begun = Instant::now();
    while alive.now.load(Ordering::SeqCst) < 1_100 {
        assert!(begun.elapsed() < Duration::from_secs(10), "{} bytes wait", alive.now.load(Ordering::SeqCst) - 100);
        std::thread::yield_now();
    }
}

#[test]
fn an_item_larger_than_the_budget_waits_alone() {
    for workers in WORKERS {
        let peak = peak_beside_the_consumers(Parallel::new(workers).with_queue_bytes(10), vec![100; 30]);
        assert!(peak <= 100, "{workers} workers: {peak}");
    }
}

#[test]
fn growing_items_exceed_the_budget_by_their_growth_at_most() {
    for workers in WORKERS {
        let sizes: Vec<usize> = (0..200).map(|place| if place % 50 == 49 { 400 } else { 100 }).collect();
        let peak = peak_beside_the_consumers(Parallel::new(workers).with_queue_bytes(1_000), sizes);
        assert!(peak <= 1_000 + 300 * workers, "{workers} workers: {peak}");
    }
}
