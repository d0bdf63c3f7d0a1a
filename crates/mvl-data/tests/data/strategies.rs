//! Every strategy, and every way to put them together, keeps the contract; `Parallel` and `Prefetch` keep their budgets.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mvl_core::{
    ByteSize, DataError, DataLoadStrategy, Dataset, EncodedSample, EpochPlan, Fetch, Order, Record, Sample, SampleKey,
    conformance,
};
use mvl_data::{
    Cached, ImageFolder, MemoryMapped, Parallel, Prefetch, Sequential, ShardDataset, ShardLimits, ShardSample, Sharded,
    encode_png, write_png, write_shard,
};

use crate::fixtures::gray;

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

/// Items in two stages: a record of a few bytes, which an item mixes with those of a partner and with random ones.
struct Records {
    len: usize,
}

fn record(index: usize) -> Record {
    let bytes: Vec<u8> = (0..index * 7 % 40).map(|place| (index + place) as u8).collect();
    Record::encoded(EncodedSample { bytes: bytes.into(), annotations: Default::default(), source: "memory".into() })
}

fn bytes_of(record: &Record) -> Result<&[u8], DataError> {
    match record {
        Record::Encoded(sample) => Ok(&sample.bytes),
        other => Err(DataError::invalid(format!("expected bytes, got {other:?}"))),
    }
}

impl Dataset<Vec<u8>> for Records {
    fn len(&self) -> usize {
        self.len
    }

    fn get(&self, key: SampleKey) -> Result<Vec<u8>, DataError> {
        self.make(key, self.fetch(key.index)?, &|index| self.fetch(index))
    }

    fn fetch(&self, index: usize) -> Result<Record, DataError> {
        Ok(record(index))
    }

    fn make(&self, key: SampleKey, record: Record, fetch: Fetch<'_>) -> Result<Vec<u8>, DataError> {
        let mut rng = key.rng(0);
        // The suite fails two of the items; the partner is none of them.
        let partner = fetch(10 + rng.below(self.len - 10))?;
        Ok([bytes_of(&record)?, bytes_of(&partner)?, &rng.next_u64().to_le_bytes()].concat())
    }
}

/// Twelve images in two classes.
fn pets(root: &Path) -> ImageFolder {
    for number in 0..12 {
        let path = root.join(format!("{}/{number}.png", ["cat", "dog"][number % 2]));
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        write_png(&gray(5, 4 + number as u32, 20 * number as u8), path).expect("written");
    }
    ImageFolder::open(root).expect("twelve images")
}

/// Twelve images in shards of five.
fn shards(folder: &Path) -> ShardDataset {
    let mut samples = (0..12).map(|number| {
        let sample = ShardSample::new(format!("{number:03}")).expect("a key");
        let image = encode_png(&gray(5, 4 + number, 20 * number as u8));
        Ok(sample.with_part("png", image).with_part("cls", (number % 2).to_string()))
    });
    for shard in 0..3 {
        let limits = ShardLimits { samples: 5, ..ShardLimits::default() };
        write_shard(&folder.join(format!("{shard}.tar")), &mut samples, limits).expect("written");
    }
    ShardDataset::open_folder(folder, None).expect("three shards")
}

type Make<I> = Box<dyn Fn(usize) -> Box<dyn DataLoadStrategy<I>>>;

/// Every strategy, alone and around others; caches are folders in `root`. `decoded` is whether records hold images.
fn strategies<I: ByteSize + Send + 'static>(root: &Path, decoded: bool) -> Vec<(&'static str, Make<I>)> {
    fn row<I: Send + 'static, S: DataLoadStrategy<I> + 'static>(
        name: &'static str,
        make: impl Fn(Parallel) -> S + 'static,
    ) -> (&'static str, Make<I>) {
        (name, Box::new(move |workers| Box::new(make(Parallel::new(workers).with_queue_bytes(2_000)))))
    }
    let root = root.to_owned();
    let empty_folder = move || tempfile::tempdir_in(&root).expect("a folder").keep();
    fn disk<S>(folder: PathBuf, bytes: u64, inner: S) -> Cached<S> {
        Cached::on_disk(folder, bytes, "suite", inner).expect("an empty folder")
    }
    let folders = [(); 4].map(|()| empty_folder.clone());
    let [first, second, third, fourth] = folders;
    let mut rows: Vec<(&'static str, Make<I>)> = vec![
        row("sequential", |_| Sequential),
        row("parallel", |workers| workers),
        row("parallel, hardly any room", |workers| workers.with_queue_bytes(1)),
        row("prefetch", |_| Prefetch::new(Sequential)),
        row("prefetch, no room", |_| Prefetch::new(Sequential).with_queue_bytes(0)),
        row("prefetch around parallel", |workers| Prefetch::new(workers).with_queue_bytes(300)),
        row("memory-mapped", MemoryMapped::new),
        row("cached in memory", |workers| Cached::in_memory(1 << 20, workers)),
        row("cached in memory, room for some", |workers| Cached::in_memory(1_500, workers)),
        row("cached, then mapped", |workers| Cached::in_memory(1 << 20, MemoryMapped::new(workers))),
        row("mapped, then cached", |workers| MemoryMapped::new(Cached::in_memory(1 << 20, workers))),
        row("cached on disk", move |workers| disk(first(), 1 << 20, workers)),
        row("cached on disk, room for some", move |workers| disk(second(), 1_500, workers)),
        row("two caches, prefetched", move |workers| {
            Prefetch::new(MemoryMapped::new(disk(third(), 1 << 20, Cached::in_memory(1_000, workers))))
        }),
        row("the only share", OnlyShare),
    ];
    if decoded {
        rows.push(row("decoded in memory", |workers| Cached::in_memory(1 << 20, workers).decoded()));
        rows.push(row("decoded on disk", move |workers| disk(fourth(), 1 << 20, workers).decoded()));
    }
    rows
}

/// `Sharded` takes no plans that start late, so it sees those whole.
struct OnlyShare(Parallel);

impl<I: ByteSize + Send + 'static> DataLoadStrategy<I> for OnlyShare {
    fn load(&self, dataset: Arc<dyn Dataset<I>>, plan: EpochPlan) -> Result<mvl_core::ItemIter<I>, DataError> {
        match Sharded::new(0, 1, self.0.clone())?.load(dataset.clone(), plan.clone()) {
            Ok(items) => Ok(items),
            Err(_) => self.0.load(dataset, plan),
        }
    }
}

fn keep_the_contract<I: ByteSize + PartialEq + std::fmt::Debug + Send + 'static>(
    dataset: Arc<dyn Dataset<I>>,
    decoded: bool,
) {
    let root = tempfile::tempdir().expect("a folder");
    for (name, make) in strategies::<I>(root.path(), decoded) {
        println!("{name}"); // shown when it fails
        conformance::strategy(0..=8, make, dataset.clone());
    }
}

#[test]
fn strategies_keep_the_contract_on_items_without_records() {
    keep_the_contract::<Vec<u8>>(Arc::new(Bytes { len: 25 }), false);
}

#[test]
fn strategies_keep_the_contract_on_records_in_memory() {
    keep_the_contract::<Vec<u8>>(Arc::new(Records { len: 25 }), false);
}

#[test]
fn strategies_keep_the_contract_on_an_image_folder() {
    let root = tempfile::tempdir().expect("a folder");
    keep_the_contract::<Sample>(Arc::new(pets(root.path())), true);
}

#[test]
fn strategies_keep_the_contract_on_shards() {
    let folder = tempfile::tempdir().expect("a folder");
    keep_the_contract::<Sample>(Arc::new(shards(folder.path())), true);
}

#[test]
fn a_damaged_sample_of_a_mapped_shard_is_named_as_without_a_map() {
    let folder = tempfile::tempdir().expect("a folder");
    let dataset = Arc::new(shards(folder.path()));
    let path = folder.path().join("1.tar");
    let mut bytes = std::fs::read(&path).expect("a shard");
    bytes[600] ^= 1; // in the image of its first sample, the sixth of all
    std::fs::write(&path, bytes).expect("written");
    let plan = EpochPlan::new(12, Order::Sequential);
    let outcome = |item: Result<Sample, DataError>| item.map_err(|error| error.to_string());
    let strategy = MemoryMapped::new(Sequential);
    let mapped: Vec<_> = strategy.load(dataset.clone(), plan.clone()).expect("it starts").map(outcome).collect();
    let plain: Vec<_> = Sequential.load(dataset, plan).expect("it starts").map(outcome).collect();
    assert_eq!(mapped, plain);
    let error = mapped[5].as_ref().expect_err("damaged");
    assert!(error.contains("005") && error.contains("1.tar"), "{error}");
    assert_eq!(mapped.iter().filter(|item| item.is_err()).count(), 1);
}

/// Breaks the contract in one way.
#[derive(Clone, Copy)]
enum Broken {
    LosesTheFirst,
    OneTooMany,
    Swaps,
    DropsErrors,
    LetsPanicsThrough,
    StartsOver,
    PassesOverRanks,
    ForgetsTheEpoch,
    ForgetsRepeats,
    GoesOnWhenDropped,
}

impl DataLoadStrategy<Vec<u8>> for Broken {
    fn load(
        &self,
        dataset: Arc<dyn Dataset<Vec<u8>>>,
        plan: EpochPlan,
    ) -> Result<mvl_core::ItemIter<Vec<u8>>, DataError> {
        let mut keys = plan.keys();
        let len = keys.len();
        match self {
            Self::LosesTheFirst => drop(keys.drain(..len.min(1))),
            Self::OneTooMany => keys.extend(keys.last().copied()),
            Self::Swaps if len > 5 => keys.swap(2, 5),
            Self::StartsOver => keys = plan.clone().starting_at(0).keys(),
            Self::PassesOverRanks if plan.len() < dataset.len() / 2 => keys.truncate(1),
            Self::ForgetsTheEpoch => keys.iter_mut().for_each(|key| key.epoch = 0),
            Self::ForgetsRepeats => keys.iter_mut().for_each(|key| key.repeat = 0),
            Self::LetsPanicsThrough => return Ok(Box::new(keys.into_iter().map(move |key| dataset.get(key)))),
            Self::GoesOnWhenDropped => {
                let dataset = dataset.clone();
                std::thread::spawn(move || {
                    for _ in 0..100 {
                        let _ = dataset.get(SampleKey::plain(0));
                        std::thread::sleep(Duration::from_millis(1));
                    }
                });
            }
            _ => {}
        }
        let items = keys.into_iter().map(move |key| {
            let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| dataset.get(key)));
            made.unwrap_or_else(|_| Err(DataError::Panicked { index: key.index, message: String::new() }))
        });
        if matches!(self, Self::DropsErrors) {
            return Ok(Box::new(items.filter(Result::is_ok)));
        }
        Ok(Box::new(items))
    }
}

#[test]
fn the_suite_finds_what_breaks_the_contract() {
    use Broken::*;
    let broken = [
        LosesTheFirst,
        OneTooMany,
        Swaps,
        DropsErrors,
        LetsPanicsThrough,
        StartsOver,
        PassesOverRanks,
        ForgetsTheEpoch,
        ForgetsRepeats,
        GoesOnWhenDropped,
    ];
    for (place, broken) in broken.into_iter().enumerate() {
        let suite = || conformance::strategy::<Vec<u8>>([1], |_| Box::new(broken), Arc::new(Bytes { len: 12 }));
        assert!(std::panic::catch_unwind(suite).is_err(), "case {place} passed");
    }
}

#[test]
fn the_shares_of_all_ranks_are_the_whole() {
    let dataset = Arc::new(Bytes { len: 23 });
    let plan = EpochPlan::new(23, Order::Shuffled).with_seed(4);
    let whole: Vec<Vec<u8>> = plan.keys().into_iter().map(|key| dataset.get(key).expect("an item")).collect();
    for world_size in [1, 2, 4] {
        let share = |rank| {
            let strategy = Sharded::new(rank, world_size, Parallel::new(2)).expect("a rank below the world size");
            strategy.load(dataset.clone(), plan.clone()).expect("it starts").map(|item| item.expect("an item"))
        };
        let mut shares: Vec<_> = (0..world_size).map(share).collect();
        let merged: Vec<Vec<u8>> = (0..23).map(|place| shares[place % world_size].next().expect("an item")).collect();
        assert_eq!(merged, whole, "{world_size} ranks");
    }
    assert!(Sharded::new(2, 2, Sequential).is_err());
    let late = Sharded::new(0, 2, Sequential).expect("a rank").load(dataset, plan.starting_at(3));
    assert!(late.is_err(), "a start counts a rank's own items");
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
fn peak_beside_the_consumers(strategy: impl DataLoadStrategy<Counted>, sizes: Vec<usize>) -> usize {
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
fn what_is_prefetched_stays_within_the_budget_and_an_item() {
    for (budget, size) in [(1_000, 100), (250, 100), (100, 100), (0, 100)] {
        let strategy = Prefetch::new(Sequential).with_queue_bytes(budget);
        let peak = peak_beside_the_consumers(strategy, vec![size; 100]);
        assert!(peak <= budget.max(size), "{size} of {budget} bytes: {peak}");
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
