//! Does a strategy follow its plan?

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::{DataError, DataLoadStrategy, Dataset, EpochPlan, ItemIter, Order, SampleKey};

/// How long a dropped iterator may go on asking for items.
const SETTLE: Duration = Duration::from_millis(200);

/// Checks a strategy against its contract on a data set of your own; the data set should have at least ten items.
///
/// # Panics
/// When the strategy yields other items than its plan names, loses an error or what comes after it, lets a panic of the data
/// set through, or goes on working after its iterator was dropped.
pub fn strategy<I, S>(strategy: &S, dataset: Arc<dyn Dataset<I>>)
where
    I: PartialEq + Debug + Send + 'static,
    S: DataLoadStrategy<I> + ?Sized,
{
    let len = dataset.len();
    assert!(len >= 10, "the suite needs at least 10 items, got {len}");
    let shuffled = EpochPlan::new(len, Order::Shuffled).with_seed(11);
    let plans = [
        ("sequential", EpochPlan::new(len, Order::Sequential)),
        ("shuffled", shuffled.clone()),
        ("second epoch", shuffled.clone().with_epoch(1)),
        ("rank 1 of 3", shuffled.clone().with_rank(1, 3).expect("1 < 3")),
        ("late start", shuffled.clone().starting_at(len / 2)),
        ("nothing left", shuffled.clone().starting_at(len)),
    ];
    for (name, plan) in plans {
        follows_the_plan(name, strategy, &dataset, &plan);
    }
    errors_stay_in_their_place(strategy, &dataset, &shuffled);
    stops_when_dropped(strategy, dataset, &shuffled);
}

fn start<I: Send + 'static>(
    strategy: &(impl DataLoadStrategy<I> + ?Sized),
    dataset: Arc<dyn Dataset<I>>,
    plan: &EpochPlan,
) -> ItemIter<I> {
    strategy.load(dataset, plan.clone()).expect("loading starts")
}

fn follows_the_plan<I: PartialEq + Debug + Send + 'static>(
    name: &str,
    strategy: &(impl DataLoadStrategy<I> + ?Sized),
    dataset: &Arc<dyn Dataset<I>>,
    plan: &EpochPlan,
) {
    let mut items = start(strategy, dataset.clone(), plan);
    for (place, key) in plan.keys().into_iter().enumerate() {
        let expected = dataset.get(key).expect("the data set can make all of its items");
        match items.next() {
            Some(Ok(item)) => assert_eq!(item, expected, "{name} plan, place {place}: another item than {key:?}"),
            Some(Err(error)) => panic!("{name} plan, place {place}: {error}"),
            None => panic!("{name} plan: the epoch ended at place {place} of {}", plan.len()),
        }
    }
    assert!(items.next().is_none(), "{name} plan: more items than the {} planned", plan.len());
    assert!(items.next().is_none(), "{name} plan: an item after the end");
}

/// Two items of the wrapped data set fail, one with an error and one with a panic.
struct Faulty<I> {
    inner: Arc<dyn Dataset<I>>,
    failing: usize,
    panicking: usize,
}

impl<I> Dataset<I> for Faulty<I> {
    fn len(&self) -> usize {
        self.inner.len()
    }

    fn get(&self, key: SampleKey) -> Result<I, DataError> {
        assert_ne!(key.index, self.panicking, "conformance suite: a panic on purpose");
        if key.index == self.failing {
            return Err(DataError::invalid("conformance suite: an error on purpose"));
        }
        self.inner.get(key)
    }
}

fn errors_stay_in_their_place<I: PartialEq + Debug + Send + 'static>(
    strategy: &(impl DataLoadStrategy<I> + ?Sized),
    dataset: &Arc<dyn Dataset<I>>,
    plan: &EpochPlan,
) {
    let (failing, panicking) = (3, 7);
    let faulty: Arc<dyn Dataset<I>> = Arc::new(Faulty { inner: dataset.clone(), failing, panicking });
    let items: Vec<_> = start(strategy, faulty, plan).collect();
    assert_eq!(items.len(), plan.len(), "an epoch with errors is as long as one without");
    for (key, item) in plan.keys().into_iter().zip(items) {
        match (item, key.index) {
            (Err(DataError::Panicked { index, .. }), at) if at == panicking => assert_eq!(index, panicking),
            (Err(DataError::Invalid { .. }), at) if at == failing => {}
            (Ok(item), at) if at != failing && at != panicking => {
                assert_eq!(item, dataset.get(key).expect("a good item"), "an error shifted the items after it");
            }
            (item, at) => panic!("item {at}: expected what the data set answered, got {item:?}"),
        }
    }
}

/// Counts what is asked for.
struct Counting<I> {
    inner: Arc<dyn Dataset<I>>,
    asked: AtomicUsize,
}

impl<I> Dataset<I> for Counting<I> {
    fn len(&self) -> usize {
        self.inner.len()
    }

    fn get(&self, key: SampleKey) -> Result<I, DataError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.inner.get(key)
    }
}

fn stops_when_dropped<I: Send + 'static>(
    strategy: &(impl DataLoadStrategy<I> + ?Sized),
    dataset: Arc<dyn Dataset<I>>,
    plan: &EpochPlan,
) {
    let counting = Arc::new(Counting { inner: dataset, asked: AtomicUsize::new(0) });
    let mut items = start(strategy, counting.clone(), plan);
    assert!(items.next().is_some(), "an epoch has a first item");
    let begun = Instant::now();
    drop(items);
    assert!(begun.elapsed() < Duration::from_secs(5), "dropping the iterator took {:?}", begun.elapsed());
    std::thread::sleep(SETTLE);
    let after = counting.asked.load(Ordering::SeqCst);
    std::thread::sleep(SETTLE);
    assert_eq!(
        counting.asked.load(Ordering::SeqCst),
        after,
        "items are still asked for after the iterator was dropped"
    );
}
