//! What a cache keeps, what it does not mix, and what it survives.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mvl_core::{
    Annotations, Channels, Cpu, DataError, DataLoadStrategy, DataLoader, Dataset, EncodedSample, EpochPlan, Fetch,
    MemoryPool, Order, Preprocess, Record, Sample, SampleKey,
};
use mvl_data::{
    CacheStatistics, Cached, ImageFolder, Loader, LoaderConfig, MemoryMapped, Parallel, Sequential, StrategyConfig,
};

use crate::fixtures::put_image;

const LEN: usize = 12;
const PLENTY: u64 = 1 << 30;

/// Images whose pixels begin with `first` and their number.
fn pets(root: &Path, first: u8) -> Arc<ImageFolder> {
    for number in 0..LEN {
        put_image(pet(root, number), first + number as u8);
    }
    Arc::new(ImageFolder::open(root).expect("twelve images"))
}

fn pet(root: &Path, number: usize) -> PathBuf {
    root.join(format!("{}/{number:02}.png", if number < 6 { "cat" } else { "dog" }))
}

fn epoch<S: DataLoadStrategy<Sample>>(strategy: &S, pets: &Arc<ImageFolder>, epoch: usize) -> Vec<Sample> {
    let plan = EpochPlan::new(pets.len(), Order::Shuffled).with_epoch(epoch);
    let items = strategy.load(pets.clone(), plan).expect("it starts");
    let mut samples: Vec<Sample> = items.map(|item| item.expect("a good image")).collect();
    samples.sort_by(|a, b| a.source.cmp(&b.source));
    samples
}

fn straight(pets: &Arc<ImageFolder>) -> Vec<Sample> {
    epoch(&Sequential, pets, 0)
}

fn counts(statistics: CacheStatistics) -> (u64, u64) {
    (statistics.hits, statistics.misses)
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> =
        entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect();
    files.sort();
    files
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    files_below(folder).into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "rec")).collect()
}

fn bytes(files: &[PathBuf]) -> u64 {
    files.iter().map(|file| fs::metadata(file).expect("there").len()).sum()
}

#[test]
fn a_second_epoch_reads_no_file() {
    for decoded in [false, true] {
        let root = tempfile::tempdir().expect("a folder");
        let pets = pets(root.path(), 0);
        let expected = straight(&pets);
        let cached = Cached::in_memory(1 << 20, Parallel::new(3));
        let cached = if decoded { cached.decoded() } else { cached };
        let monitor = cached.monitor();
        assert_eq!(epoch(&cached, &pets, 0), expected);
        assert_eq!(counts(monitor.statistics()), (0, 12));
        (0..LEN).for_each(|number| fs::remove_file(pet(root.path(), number)).expect("removed"));
        assert_eq!(epoch(&cached, &pets, 1), expected);
        assert_eq!(counts(monitor.statistics()), (12, 12));
        assert!(monitor.statistics().bytes <= 1 << 20 && monitor.statistics().limit == 1 << 20);
    }
}

#[test]
fn a_cache_too_small_for_the_data_set_answers_for_as_much_as_it_holds() {
    let root = tempfile::tempdir().expect("a folder");
    let pets = pets(root.path(), 0);
    let whole = Cached::in_memory(1 << 20, Sequential);
    let monitor = whole.monitor();
    epoch(&whole, &pets, 0);
    let half = (monitor.statistics().bytes / 2 + 8) as usize; // the images are of about the same size
    let cached = Cached::in_memory(half, Sequential);
    let monitor = cached.monitor();
    for number in 0..5 {
        epoch(&cached, &pets, number);
    }
    let (hits, misses) = counts(monitor.statistics());
    assert_eq!(hits + misses, 60);
    assert!((4 * 5..=4 * 7).contains(&hits), "{hits} hits in four epochs of 12 with room for 6");
    assert!(monitor.statistics().bytes <= half as u64);
}

#[test]
fn a_pool_bounds_several_caches_together() {
    let root = tempfile::tempdir().expect("a folder");
    let pets = pets(root.path(), 0);
    let pool = MemoryPool::new(2_000);
    let (first, second) = (Cached::in_pool(&pool, Sequential), Cached::in_pool(&pool, Sequential));
    epoch(&first, &pets, 0);
    epoch(&second, &pets, 0);
    assert!(pool.used() > 1_000 && pool.peak() <= 2_000, "{pool:?}");
    drop((first, second));
    assert_eq!(pool.used(), 0);
}

#[test]
fn a_folder_survives_a_restart() {
    for decoded in [false, true] {
        let (root, folder) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let pets = pets(root.path(), 0);
        let expected = straight(&pets);
        for (start, expected_counts) in [(0, 12), (12, 0)].into_iter().enumerate() {
            let cached = Cached::on_disk(folder.path(), PLENTY, "pets", Parallel::new(3)).expect("a folder");
            let cached = if decoded { cached.decoded() } else { cached };
            let monitor = cached.monitor();
            assert_eq!(epoch(&cached, &pets, start), expected);
            assert_eq!(counts(monitor.statistics()), expected_counts, "start {start}");
            let files = entries(folder.path());
            assert_eq!((files.len(), monitor.statistics().bytes), (LEN, bytes(&files)));
        }
    }
}

#[test]
fn a_damaged_file_is_dropped_and_its_record_read_again() {
    let (root, folder) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let pets = pets(root.path(), 0);
    let expected = straight(&pets);
    let open = || Cached::on_disk(folder.path(), PLENTY, "pets", Sequential).expect("a folder").decoded();
    epoch(&open(), &pets, 0);
    let files = entries(folder.path());
    let mut changed = fs::read(&files[2]).expect("an entry");
    *changed.last_mut().expect("not empty") ^= 1;
    fs::write(&files[2], changed).expect("written");
    fs::write(&files[5], b"mvl").expect("written");
    fs::write(&files[7], b"").expect("written");
    let cached = open();
    let monitor = cached.monitor();
    assert_eq!(epoch(&cached, &pets, 1), expected);
    let statistics = monitor.statistics();
    assert_eq!((counts(statistics), statistics.damaged, statistics.failed_writes), ((9, 3), 3, 0));
    assert_eq!(epoch(&cached, &pets, 2), expected);
    assert_eq!(counts(monitor.statistics()), (21, 3));
}

#[test]
fn a_changed_image_is_read_again() {
    let (root, folder) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let open = || Cached::on_disk(folder.path(), PLENTY, "pets", Sequential).expect("a folder");
    let before = pets(root.path(), 0);
    epoch(&open(), &before, 0);
    put_image(pet(root.path(), 4), 200);
    let changed = fs::File::options().append(true).open(pet(root.path(), 4)).expect("there");
    changed.set_modified(SystemTime::now() + Duration::from_secs(5)).expect("set");
    let cached = open();
    assert_eq!(epoch(&cached, &before, 1), straight(&before));
    assert_eq!(counts(cached.monitor().statistics()), (11, 1));
    assert_eq!(entries(folder.path()).len(), LEN, "it took the place of the old one");
}

#[test]
fn data_sets_in_one_folder_do_not_mix() {
    let roots = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (pets(roots[0].path(), 0), pets(roots[1].path(), 100));
    for names in [["cats", "dogs"], ["same", "same"]] {
        let open = |name| Cached::on_disk(folder.path(), PLENTY, name, Parallel::new(2)).expect("a folder");
        for number in 0..2 {
            assert_eq!(epoch(&open(names[0]), &first, number), straight(&first), "{names:?}");
            assert_eq!(epoch(&open(names[1]), &second, number), straight(&second), "{names:?}");
            assert_eq!(epoch(&open(names[0]).decoded(), &first, number), straight(&first), "{names:?}");
        }
    }
}

#[test]
fn a_full_folder_keeps_its_limit_and_the_idle_give_way() {
    let roots = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let folder = tempfile::tempdir().expect("a folder");
    let (old, new) = (pets(roots[0].path(), 0), pets(roots[1].path(), 100));
    let open = |name, limit| Cached::on_disk(folder.path(), limit, name, Parallel::new(3)).expect("a folder");
    epoch(&open("old", PLENTY), &old, 0);
    let limit = bytes(&entries(folder.path())) * 3 / 2;

    let cached = open("new", limit);
    assert_eq!(epoch(&cached, &new, 0), straight(&new));
    let kept = entries(folder.path());
    assert!((LEN + 4..=LEN + 7).contains(&kept.len()) && bytes(&kept) <= limit, "{} entries", kept.len());
    assert_eq!(cached.monitor().statistics().bytes, bytes(&kept));

    let markers = files_below(folder.path()).into_iter().filter(|file| file.ends_with("used"));
    for marker in markers.filter(|marker| fs::read_to_string(marker).expect("a name") == "old\n") {
        let long_ago = SystemTime::now() - Duration::from_secs(3_600);
        fs::File::options().append(true).open(marker).and_then(|file| file.set_modified(long_ago)).expect("set");
    }
    assert_eq!(epoch(&cached, &new, 1), straight(&new));
    let kept = entries(folder.path());
    assert_eq!(kept.len(), LEN, "the old ones are gone, the new ones all there");
    assert_eq!(cached.monitor().statistics().bytes, bytes(&kept));
}

#[test]
fn several_at_once_share_a_folder_and_its_limit() {
    let (root, folder) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let pets = pets(root.path(), 0);
    let expected = straight(&pets);
    let limit = 2_000;
    // Locks of files that were opened separately are as apart as those of two processes.
    std::thread::scope(|scope| {
        for number in 0..4 {
            let (folder, pets, expected) = (folder.path(), &pets, &expected);
            scope.spawn(move || {
                let cached = Cached::on_disk(folder, limit, "pets", Parallel::new(2)).expect("a folder").decoded();
                for again in 0..5 {
                    assert_eq!(&epoch(&cached, pets, 5 * number + again), expected);
                }
                assert_eq!(cached.monitor().statistics().failed_writes, 0);
            });
        }
    });
    let files = files_below(folder.path());
    assert!(files.iter().all(|file| !file.to_string_lossy().contains(".writing-")), "{files:?}");
    let kept = entries(folder.path());
    assert!(!kept.is_empty() && bytes(&kept) <= limit);
    let cached = Cached::on_disk(folder.path(), limit, "pets", Sequential).expect("a folder");
    assert_eq!(cached.monitor().statistics().bytes, bytes(&kept), "the ledger tells what is there");
}

#[test]
fn what_cannot_be_kept_is_loaded_all_the_same() {
    let (root, folder) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let pets = pets(root.path(), 0);
    let cached = Cached::on_disk(folder.path(), PLENTY, "pets", Sequential).expect("a folder");
    let plan = EpochPlan::new(LEN, Order::Sequential);
    let items = cached.load(pets.clone(), plan).expect("it starts");
    // A file where the folder of entries should be.
    let data_set = fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry").path());
    let data_set = data_set.into_iter().find(|path| path.is_dir()).expect("the data set's folder");
    fs::write(data_set.join("00000"), b"in the way").expect("written");
    assert_eq!(items.map(|item| item.expect("a good image")).collect::<Vec<_>>(), straight(&pets));
    assert_eq!(cached.monitor().statistics().failed_writes, 12);
    let error = Cached::on_disk(pet(root.path(), 0), 1, "pets", Sequential).expect_err("a file, not a folder");
    assert!(matches!(error, DataError::Io { .. }), "{error}");
}

#[test]
fn around_mapped_files_what_is_kept_is_not_read() {
    let root = tempfile::tempdir().expect("a folder");
    let pets = pets(root.path(), 0);
    let expected = straight(&pets);
    let cached = Cached::in_memory(1 << 20, MemoryMapped::new(Parallel::new(2)));
    let monitor = cached.monitor();
    for number in 0..3 {
        assert_eq!(epoch(&cached, &pets, number), expected);
    }
    assert_eq!(counts(monitor.statistics()), (24, 12));
}

/// Records with annotations of every kind, and nowhere to lie.
struct Annotated;

impl Dataset<Sample> for Annotated {
    fn len(&self) -> usize {
        3
    }

    fn get(&self, key: SampleKey) -> Result<Sample, DataError> {
        self.make(key, self.fetch(key.index)?, &|index| self.fetch(index))
    }

    fn fetch(&self, index: usize) -> Result<Record, DataError> {
        let mut object = mvl_core::Object::new(index, mvl_core::BoxXyxy::new(0.1, 0.2, 3.3, 2.7));
        object.area = Some(0.3);
        let mut annotations = Annotations::labelled(index);
        annotations.objects.push(object);
        annotations.class_map = mvl_core::ClassMap::new(4, 3, vec![index as u16; 12]).ok();
        let bytes = mvl_data::encode_png(&crate::fixtures::gray(4, 3, index as u8)).into();
        Ok(Record::encoded(EncodedSample { bytes, annotations, source: format!("memory#{index}").into() }))
    }

    fn make(&self, _key: SampleKey, record: Record, _fetch: Fetch<'_>) -> Result<Sample, DataError> {
        mvl_data::decode_record(record)
    }
}

#[test]
fn annotations_come_out_of_a_folder_as_they_went_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let expected: Vec<Sample> = (0..3).map(|index| Annotated.get(SampleKey::plain(index)).expect("made")).collect();
    for hits in [0, 3] {
        let cached = Cached::on_disk(folder.path(), PLENTY, "annotated", Sequential).expect("a folder").decoded();
        let items = cached.load(Arc::new(Annotated), EpochPlan::new(3, Order::Sequential)).expect("it starts");
        assert_eq!(items.map(|item| item.expect("made")).collect::<Vec<_>>(), expected);
        assert_eq!(cached.monitor().statistics().hits, hits);
    }
}

#[test]
fn a_loader_takes_strategies_by_name() {
    let (root, folder) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let pets = pets(root.path(), 0);
    let batches = |strategy: &str| {
        let strategy: Vec<StrategyConfig> = serde_json::from_str(strategy).expect("strategies");
        let config = LoaderConfig { strategy, shuffle: Order::Shuffled, workers: 2, ..LoaderConfig::new(5) };
        let spec = Preprocess::exact(4, 3, Channels::Gray, &[0.0], &[1.0]);
        let loader = Loader::<Cpu>::new(pets.clone(), spec, 0, config).expect("it runs");
        let values = |epoch| {
            let batches = loader.epoch(epoch, 0).expect("it starts");
            batches.map(|batch| batch.expect("good").images.into_data().try_to_vec::<f32>().expect("floats")).collect()
        };
        [0, 1, 1].map(values) as [Vec<Vec<f32>>; 3]
    };
    let expected = batches("[]");
    let disk = format!(r#"{{"cached_on_disk": {{"folder": {:?}, "disk_mib": 8, "name": "pets"}}}}"#, folder.path());
    for strategy in [
        r#"["sequential"]"#.to_owned(),
        r#"[{"parallel": {"workers": 3}}]"#.to_owned(),
        r#"[{"prefetch": {}}, "sequential"]"#.to_owned(),
        r#"[{"cached": {"memory_mib": 1, "decoded": true}}, "memory_mapped"]"#.to_owned(),
        format!(r#"["memory_mapped", {disk}, {{"cached": {{"memory_mib": 1}}}}, {{"prefetch": {{"queue_mib": 1}}}}]"#),
    ] {
        assert_eq!(batches(&strategy), expected, "{strategy}");
    }
    assert_eq!(entries(folder.path()).len(), LEN);
    let strategy = vec![StrategyConfig::Sequential, StrategyConfig::MemoryMapped];
    let problems = LoaderConfig { strategy, ..LoaderConfig::new(1) }.problems();
    assert_eq!(problems, ["strategy[0]: sequential and parallel make the items, so they come last"]);
}
