//! Garbage is removed; what is referred to, young, or put again is not.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use mvl_store::{Blobs, Collected, Digest};

use crate::places::{Place, random, wait};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn put(blobs: &Blobs, bytes: Bytes) -> Digest {
    let blobs = blobs.clone();
    wait(async move { blobs.put(bytes).await }).expect("it is put")
}

fn collect(blobs: &Blobs, referenced: &[Digest], older_than: Duration) -> Collected {
    let (blobs, referenced) = (blobs.clone(), referenced.iter().copied().collect::<HashSet<_>>());
    wait(async move { blobs.collect_garbage(&referenced, older_than).await }).expect("collectable")
}

fn names(blobs: &Blobs) -> Vec<Digest> {
    let blobs = blobs.clone();
    wait(async move { blobs.list().await }).expect("listable").into_iter().map(|blob| blob.digest).collect()
}

/// Makes a file, or all files of a folder, older.
fn age(path: &Path, by: Duration) {
    if path.is_dir() {
        return fs::read_dir(path).expect("a folder").for_each(|entry| age(&entry.expect("an entry").path(), by));
    }
    let file = File::options().append(true).open(path).expect("writable");
    file.set_modified(SystemTime::now() - by).expect("it has a time");
}

#[test]
fn only_old_garbage_goes() {
    for place in Place::all() {
        let blobs = place.blobs();
        assert_eq!(collect(&blobs, &[], Duration::ZERO), Collected::default(), "{}", place.url);
        let count = if place.endpoint.is_none() { 300 } else { 30 }; // more than are removed at once
        let digests: Vec<Digest> = (0..count).map(|seed| put(&blobs, random(50, seed))).collect();
        let (referenced, _) = digests.split_at(10);
        let collected = collect(&blobs, referenced, DAY);
        assert_eq!((collected.removed, collected.kept), (0, count), "all are young at {}", place.url);
        // Files can be made older; objects have to wait, long enough for a busy machine.
        let mut older_than = DAY;
        if place.endpoint.is_none() {
            age(Path::new(place.url.trim_start_matches("file://")), 2 * DAY);
        } else {
            std::thread::sleep(Duration::from_secs(8));
            older_than = Duration::from_secs(7); // S3 counts in seconds
        }
        let begun = Instant::now();
        let young = put(&blobs, random(60, 1_000));
        let collected = collect(&blobs, referenced, older_than + begun.elapsed());
        let garbage = count - 10;
        assert_eq!(collected, Collected { removed: garbage, removed_bytes: garbage * 50, kept: 11 }, "{}", place.url);
        let mut left: Vec<Digest> = referenced.iter().copied().chain([young]).collect();
        left.sort();
        assert_eq!(names(&blobs), left, "{}", place.url);
    }
}

#[test]
fn what_is_put_again_counts_as_young() {
    let place = Place::disk();
    let blobs = place.blobs();
    let (wanted, unwanted) = (put(&blobs, random(50, 1)), put(&blobs, random(50, 2)));
    let root = Path::new(place.url.trim_start_matches("file://")).join("blobs");
    age(&root, 3 * DAY);
    let before = place.file(wanted).metadata().expect("there").modified().expect("a time");
    for _ in 0..3 {
        assert_eq!(put(&blobs, random(50, 1)), wanted);
    }
    assert_eq!(
        place.file(wanted).metadata().expect("there").modified().expect("a time"),
        before,
        "it is not sent again"
    );
    let claims = root.join("claims").join(wanted.to_hex());
    assert_eq!(fs::read_dir(&claims).expect("a folder").count(), 1, "claimed once");

    let collected = collect(&blobs, &[], DAY);
    assert_eq!((collected.removed, collected.kept), (1, 1));
    assert_eq!(names(&blobs), [wanted], "not {unwanted}");

    age(&root, 3 * DAY);
    assert_eq!(collect(&blobs, &[], DAY).removed, 1);
    assert_eq!(fs::read_dir(&claims).expect("a folder").count(), 0, "claims go as well");
    assert_eq!(fs::read_dir(root.join("collecting")).expect("a folder").count(), 0, "nothing stays announced");
}

#[test]
fn who_claims_waits_for_an_announced_collection() {
    let place = Place::disk();
    let blobs = place.blobs();
    let digest = put(&blobs, random(50, 1));
    let root = Path::new(place.url.trim_start_matches("file://")).join("blobs");
    age(&root, 3 * DAY);
    // A collection that has looked for claims already, and is about to remove the blob.
    let announced = root.join("collecting/some-collection");
    fs::create_dir_all(root.join("collecting")).expect("writable");
    fs::write(&announced, b"").expect("writable");
    let (file, late) = (place.file(digest), announced.clone());
    let collection = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        fs::remove_file(file).expect("there");
        fs::remove_file(late).expect("there");
    });
    assert_eq!(put(&blobs, random(50, 1)), digest);
    assert!(!announced.exists(), "it waited");
    collection.join().expect("it ran");
    let reading = blobs.clone();
    assert_eq!(wait(async move { reading.read(digest, 50).await }).expect("it was put anew"), random(50, 1));

    // What a killed collection has left is cleared away.
    fs::write(&announced, b"").expect("writable");
    age(&announced, DAY);
    collect(&blobs, &[], DAY);
    assert!(!announced.exists());
}

#[test]
fn writers_and_collections_at_once_lose_nothing() {
    let place = Place::disk();
    let blobs = place.blobs();
    let root = Path::new(place.url.trim_start_matches("file://")).join("blobs");
    for round in 0..10 {
        for seed in 0..40 {
            put(&blobs, random(50, seed));
        }
        age(&root.join("sha256"), 3 * DAY);
        let _ = fs::remove_dir_all(root.join("claims"));
        let collecting = blobs.clone();
        let collection = std::thread::spawn(move || collect(&collecting, &[], DAY));
        let wanted: Vec<Digest> = (0..40).step_by(3).map(|seed| put(&blobs, random(50, seed))).collect();
        collection.join().expect("it ran");
        let left = names(&blobs);
        let lost: Vec<_> = wanted.iter().filter(|digest| !left.contains(digest)).collect();
        assert!(lost.is_empty(), "round {round} lost {lost:?}");
    }
}

#[test]
fn what_killed_writers_left_goes_with_time() {
    let place = Place::disk();
    let blobs = place.blobs();
    let digest = put(&blobs, random(50, 1));
    let beside = |ending: &str| {
        let mut path = place.file(digest).into_os_string();
        path.push(ending);
        std::path::PathBuf::from(path)
    };
    for ending in ["#1", "#2", ".txt"] {
        fs::write(beside(ending), b"half a bl").expect("writable");
    }
    assert_eq!(names(&blobs), [digest], "they are no blobs");
    [beside("#1"), beside(".txt")].iter().for_each(|path| age(path, 3 * DAY));
    collect(&blobs, &[digest], DAY);
    assert!(!beside("#1").exists(), "nobody writes to it");
    assert!(beside("#2").exists(), "somebody may");
    assert!(beside(".txt").exists(), "somebody else's");
}
