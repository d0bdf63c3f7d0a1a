//! Does a strategy follow its plan?

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::{
    DataError, DataLoadStrategy, Dataset, EpochPlan, Fetch, ItemIter, Location, Order, Pick, Record, SampleKey, Sampler,
};

/// How long a dropped iterator may go on asking for items.
const SETTLE: Duration = Duration::from_millis(10);

/// Checks a strategy against its contract on a data set of your own, which should have at least ten items that differ.
///
/// `make` makes the strategy anew for each number of workers, such as `0..=8`; one without workers passes over the number. A strategy
/// that keeps something is made so that it starts empty. For every number:
/// - plans in order, shuffled, of a second epoch and with repeated items yield just their items;
/// - an epoch that starts at any item is the rest of the whole one;
/// - the shares of 1, 2 and 4 ranks, dealt back, are the whole;
/// - an error and a panic of the data set, where it fetches a record or makes an item, are errors in their places;
/// - after the iterator is dropped nothing is asked for.
///
/// # Panics
/// When the strategy does otherwise.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use mvl_core::{DataError, DataLoadStrategy, Dataset, EpochPlan, ItemIter, conformance};
///
/// struct Forgetful;
/// impl<I: Send + 'static> DataLoadStrategy<I> for Forgetful {
///     fn load(&self, dataset: Arc<dyn Dataset<I>>, plan: EpochPlan) -> Result<ItemIter<I>, DataError> {
///         Ok(Box::new(plan.keys().into_iter().skip(1).map(move |key| dataset.get(key))))
///     }
/// }
/// let numbers: Vec<usize> = (0..10).collect();
/// let suite = || conformance::strategy([1], |_workers| Box::new(Forgetful), Arc::new(numbers));
/// assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(suite)).is_err());
/// ```
pub fn strategy<I: PartialEq + Debug + Send + 'static>(
    workers: impl IntoIterator<Item = usize>,
    make: impl Fn(usize) -> Box<dyn DataLoadStrategy<I>>,
    dataset: Arc<dyn Dataset<I>>,
) {
    let len = dataset.len();
    assert!(len >= 10, "the suite needs at least 10 items, got {len}");
    for workers in workers {
        let suite = Suite { strategy: make(workers), dataset: dataset.clone(), workers };
        suite.follows_plans();
        suite.starts_anywhere();
        suite.shares_out();
        for fault in [Fault::Making, Fault::Fetching] {
            // A new strategy, as this data set looks like the good one.
            let suite = Suite { strategy: make(workers), dataset: dataset.clone(), workers };
            suite.keeps_errors_in_their_place(fault);
        }
        let suite = Suite { strategy: make(workers), dataset: dataset.clone(), workers };
        suite.stops_when_dropped();
    }
}

/// Every item twice in a row, once for each repeat.
#[derive(Debug)]
struct Twice {
    len: usize,
}

impl Sampler for Twice {
    fn len(&self) -> usize {
        2 * self.len
    }

    fn picks(&self, _seed: u64, epoch: usize) -> Vec<Pick> {
        (0..2 * self.len).map(|place| Pick { index: (place / 2 + epoch) % self.len, repeat: place % 2 }).collect()
    }
}

/// One strategy on one data set.
struct Suite<I> {
    strategy: Box<dyn DataLoadStrategy<I>>,
    dataset: Arc<dyn Dataset<I>>,
    workers: usize,
}

impl<I: PartialEq + Debug + Send + 'static> Suite<I> {
    fn shuffled(&self) -> EpochPlan {
        EpochPlan::new(self.dataset.len(), Order::Shuffled).with_seed(11)
    }

    fn load(&self, dataset: Arc<dyn Dataset<I>>, plan: &EpochPlan) -> ItemIter<I> {
        self.strategy.load(dataset, plan.clone()).expect("loading starts")
    }

    fn expected(&self, plan: &EpochPlan) -> Vec<I> {
        let make = |key| self.dataset.get(key).expect("the data set can make all of its items");
        plan.keys().into_iter().map(make).collect()
    }

    /// What comes, with a look past the end.
    fn items(&self, name: &str, plan: &EpochPlan) -> Vec<I> {
        let mut items = self.load(self.dataset.clone(), plan);
        let mut came = Vec::new();
        for item in items.by_ref() {
            let place = came.len();
            came.push(item.unwrap_or_else(|error| panic!("{}: place {place}: {error}", self.case(name))));
        }
        assert!(items.next().is_none(), "{}: an item after the end", self.case(name));
        came
    }

    fn follows(&self, name: &str, plan: &EpochPlan, expected: &[I]) {
        let came = self.items(name, plan);
        assert_eq!(came.len(), expected.len(), "{}: another number of items than planned", self.case(name));
        for ((place, came), (key, expected)) in came.iter().enumerate().zip(plan.keys().iter().zip(expected)) {
            assert_eq!(came, expected, "{}: place {place} is not {key:?}", self.case(name));
        }
    }

    fn follows_plans(&self) {
        let len = self.dataset.len();
        let plans = [
            ("sequential", EpochPlan::new(len, Order::Sequential)),
            ("shuffled", self.shuffled()),
            ("shuffled again", self.shuffled()),
            ("second epoch", self.shuffled().with_epoch(1)),
            ("repeated", EpochPlan::sampled(Arc::new(Twice { len })).with_epoch(2)),
            ("rank 1 of 3", self.shuffled().with_rank(1, 3).expect("1 < 3")),
        ];
        for (name, plan) in plans {
            self.follows(name, &plan, &self.expected(&plan));
        }
        let epochs = [0, 1].map(|epoch| self.items("two epochs", &self.shuffled().with_epoch(epoch)));
        assert_ne!(epochs[0], epochs[1], "{}: the second epoch is the first again", self.case("two epochs"));
    }

    fn starts_anywhere(&self) {
        for plan in [self.shuffled(), self.shuffled().with_epoch(1).with_rank(1, 2).expect("1 < 2")] {
            let whole = self.expected(&plan);
            for start in 0..=plan.len() {
                let name = format!("started at {start}");
                self.follows(&name, &plan.clone().starting_at(start), &whole[start..]);
            }
        }
    }

    fn shares_out(&self) {
        let plan = self.shuffled().with_epoch(3);
        let whole = self.expected(&plan);
        for world_size in [1, 2, 4] {
            let share = |rank| {
                let plan = plan.clone().with_rank(rank, world_size).expect("a rank below the world size");
                self.items(&format!("rank {rank} of {world_size}"), &plan).into_iter()
            };
            let mut shares: Vec<_> = (0..world_size).map(share).collect();
            let merged: Vec<I> = (0..).map_while(|place| shares[place % world_size].next()).collect();
            assert_eq!(merged, whole, "{}: the shares are not the whole", self.case(&format!("{world_size} ranks")));
            assert!(shares.iter_mut().all(|share| share.next().is_none()), "a share is longer than the plan");
        }
    }

    fn keeps_errors_in_their_place(&self, fault: Fault) {
        let (failing, panicking) = (3, 7);
        let faulty = Faulty { inner: self.dataset.clone(), failing, panicking, fault };
        let plan = self.shuffled();
        let items: Vec<_> = self.load(Arc::new(faulty), &plan).collect();
        let case = self.case(&format!("faults in {fault:?}"));
        assert_eq!(items.len(), plan.len(), "{case}: an epoch with errors is as long as one without");
        for (key, item) in plan.keys().into_iter().zip(items) {
            match (item, key.index) {
                (Err(DataError::Panicked { index, .. }), at) if at == panicking => {
                    assert_eq!(index, panicking, "{case}")
                }
                (Err(DataError::Invalid { .. }), at) if at == failing => {}
                (Ok(item), at) if at != failing && at != panicking => {
                    let expected = self.dataset.get(key).expect("a good item");
                    assert_eq!(item, expected, "{case}: an error shifted the items after it");
                }
                (item, at) => panic!("{case}: item {at}: expected what the data set answered, got {item:?}"),
            }
        }
    }

    fn stops_when_dropped(&self) {
        let case = self.case("dropped early");
        let counting = Arc::new(Counting { inner: self.dataset.clone(), asked: AtomicUsize::new(0) });
        let mut items = self.load(counting.clone(), &self.shuffled());
        assert!(items.next().is_some(), "{case}: an epoch has a first item");
        let begun = Instant::now();
        drop(items);
        assert!(begun.elapsed() < Duration::from_secs(5), "{case}: dropping the iterator took {:?}", begun.elapsed());
        std::thread::sleep(SETTLE);
        let after = counting.asked.load(Ordering::SeqCst);
        std::thread::sleep(SETTLE);
        assert_eq!(counting.asked.load(Ordering::SeqCst), after, "{case}: items are still asked for");
    }

    fn case(&self, name: &str) -> String {
        format!("{name}, {} workers", self.workers)
    }
}

/// Where a data set fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// When an item is made.
    Making,
    /// When a record is read; it lies nowhere, so that it has to be fetched.
    Fetching,
}

/// Two items of the wrapped data set fail, one with an error and one with a panic.
struct Faulty<I> {
    inner: Arc<dyn Dataset<I>>,
    failing: usize,
    panicking: usize,
    fault: Fault,
}

impl<I> Faulty<I> {
    fn fail(&self, index: usize) -> Result<(), DataError> {
        assert_ne!(index, self.panicking, "conformance suite: a panic on purpose");
        if index == self.failing {
            return Err(DataError::invalid("conformance suite: an error on purpose"));
        }
        Ok(())
    }

    fn fail_in(&self, fault: Fault, index: usize) -> Result<(), DataError> {
        if self.fault == fault { self.fail(index) } else { Ok(()) }
    }
}

impl<I> Dataset<I> for Faulty<I> {
    fn len(&self) -> usize {
        self.inner.len()
    }

    fn get(&self, key: SampleKey) -> Result<I, DataError> {
        self.fail(key.index)?;
        self.inner.get(key)
    }

    fn location(&self, index: usize) -> Option<Location> {
        self.inner.location(index).filter(|_| self.fault == Fault::Making)
    }

    fn record(&self, index: usize, bytes: Bytes) -> Result<Record, DataError> {
        self.inner.record(index, bytes)
    }

    fn fetch(&self, index: usize) -> Result<Record, DataError> {
        self.fail_in(Fault::Fetching, index)?;
        self.inner.fetch(index)
    }

    fn make(&self, key: SampleKey, record: Record, fetch: Fetch<'_>) -> Result<I, DataError> {
        self.fail_in(Fault::Making, key.index)?;
        self.inner.make(key, record, fetch)
    }
}

/// Counts what is asked for.
struct Counting<I> {
    inner: Arc<dyn Dataset<I>>,
    asked: AtomicUsize,
}

impl<I> Counting<I> {
    fn asked(&self) {
        self.asked.fetch_add(1, Ordering::SeqCst);
    }
}

impl<I> Dataset<I> for Counting<I> {
    fn len(&self) -> usize {
        self.inner.len()
    }

    fn get(&self, key: SampleKey) -> Result<I, DataError> {
        self.asked();
        self.inner.get(key)
    }

    fn location(&self, index: usize) -> Option<Location> {
        self.inner.location(index)
    }

    fn record(&self, index: usize, bytes: Bytes) -> Result<Record, DataError> {
        self.asked();
        self.inner.record(index, bytes)
    }

    fn fetch(&self, index: usize) -> Result<Record, DataError> {
        self.asked();
        self.inner.fetch(index)
    }

    fn make(&self, key: SampleKey, record: Record, fetch: Fetch<'_>) -> Result<I, DataError> {
        self.asked();
        self.inner.make(key, record, fetch)
    }
}
