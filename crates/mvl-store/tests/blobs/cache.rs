//! Blobs near by: fetched once, bounded, verified.

use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use mvl_core::DataError;
use mvl_store::{Blobs, Cache, Digest, delete, handle};

use crate::places::{Place, random, wait};

const LONG_AGO: Duration = Duration::from_secs(60);

fn fetch(blobs: &Blobs, digest: Digest) -> Result<PathBuf, DataError> {
    let blobs = blobs.clone();
    wait(async move { blobs.fetch(digest).await })
}

fn put(blobs: &Blobs, size: usize, seed: u64) -> Digest {
    let (blobs, bytes) = (blobs.clone(), random(size, seed));
    wait(async move { blobs.put(bytes).await }).expect("it is put")
}

/// Says of entries that they were used so many minutes ago.
fn used_ago(path: &PathBuf, minutes: u32) {
    let file = File::options().append(true).open(path).expect("writable");
    file.set_modified(SystemTime::now() - minutes * LONG_AGO).expect("it has a time");
}

#[test]
fn on_a_disk_the_blob_itself_is_handed_out() {
    let place = Place::disk();
    let digest = put(&place.blobs(), 1_000, 1);
    assert_eq!(fetch(&place.blobs(), digest).expect("there"), place.file(digest));
    let missing = fetch(&place.blobs(), Digest::of(b"never put")).expect_err("missing");
    assert!(matches!(missing, DataError::Io { ref source, .. } if source.kind() == std::io::ErrorKind::NotFound));
}

#[test]
fn a_fetched_blob_stays_when_its_object_goes() {
    for place in Place::distant() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let error = fetch(&place.blobs(), Digest::of(b"x")).expect_err("no cache").to_string();
        assert!(error.starts_with("expected a cache to fetch sha256:"), "{error}");
        let blobs = place.blobs().with_cache(Cache::open(folder.path(), 1 << 30).expect("a cache"));
        let digest = put(&blobs, 100_000, 2);
        let path = fetch(&blobs, digest).expect("fetched");
        assert_eq!(fs::read(&path).expect("readable"), random(100_000, 2));
        delete(&blobs.url(digest)).expect("removable");
        assert_eq!(fetch(&blobs, digest).expect("cached"), path);
        let reading = blobs.clone();
        assert_eq!(wait(async move { reading.read(digest, 1 << 20).await }).expect("cached"), random(100_000, 2));
        let reading = blobs.clone();
        assert!(wait(async move { reading.read(digest, 10).await }).is_err(), "the limit counts");
        // Another process, for which the folder is all there is.
        let other = place.blobs().with_cache(Cache::open(folder.path(), 1 << 30).expect("a cache"));
        assert_eq!(fetch(&other, digest).expect("cached"), path);
    }
}

#[test]
fn damaged_entries_are_fetched_anew() {
    for place in Place::distant() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let open = || place.blobs().with_cache(Cache::open(folder.path(), 1 << 30).expect("a cache"));
        let blobs = open();
        let digest = put(&blobs, 1_000, 3);
        let path = fetch(&blobs, digest).expect("fetched");
        // Of another size: seen at once. Of the same size: by the next process.
        for (damaged, blobs) in [(random(999, 3), blobs), (random(1_000, 4), open())] {
            fs::write(&path, damaged).expect("writable");
            assert_eq!(fetch(&blobs, digest).expect("fetched"), path);
            assert_eq!(fs::read(&path).expect("readable"), random(1_000, 3));
        }
    }
}

#[test]
fn the_least_recently_used_go_first() {
    for place in Place::distant() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let cache = Cache::open(folder.path(), 10_000).expect("a cache");
        let blobs = place.blobs().with_cache(cache.clone());
        let digests: Vec<Digest> = (0..6).map(|seed| put(&blobs, 2_400, seed)).collect();
        let paths: Vec<PathBuf> = digests[..4].iter().map(|&digest| fetch(&blobs, digest).expect("fetched")).collect();
        for (path, minutes) in paths.iter().zip([2, 4, 3, 1]) {
            used_ago(path, minutes);
        }
        assert_eq!(fetch(&blobs, digests[1]).expect("cached"), paths[1], "used just now");
        let mut open = File::open(&paths[2]).expect("readable");
        let fifth = fetch(&blobs, digests[4]).expect("fetched"); // 12 000 bytes, of which 3 000 must go
        let there = |paths: &[PathBuf]| paths.iter().map(|path| path.exists()).collect::<Vec<_>>();
        assert_eq!(there(&paths), [false, true, false, true]);
        assert!(fifth.exists() && cache.bytes().expect("countable") <= cache.max_bytes());
        let mut text = Vec::new();
        open.read_to_end(&mut text).expect("what is open stays");
        assert_eq!(text, random(2_400, 2));

        // What was just handed out stays, though there be too much.
        let small = Cache::open(folder.path(), 10).expect("a cache");
        assert_eq!(there(&paths), [false, true, false, false], "one was used long ago");
        let blobs = place.blobs().with_cache(small);
        let sixth = fetch(&blobs, digests[5]).expect("larger than the cache, and fetched");
        assert!(sixth.exists() && fifth.exists());
    }
}

#[test]
fn only_entries_are_removed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let below = folder.path().join("sha256/ab");
    fs::create_dir_all(&below).expect("writable");
    let names = ["notes.txt".to_owned(), ".writing-old".to_owned(), ".writing-new".to_owned(), "ab".repeat(32)];
    let files = names.map(|name| below.join(name));
    for file in &files {
        fs::write(file, [0; 1_000]).expect("writable");
    }
    for (file, hours) in files.iter().zip([100, 100, 1, 100]) {
        used_ago(file, hours * 60);
    }
    let cache = Cache::open(folder.path(), 10).expect("a cache");
    assert_eq!(files.map(|file| file.exists()), [true, false, true, false]);
    assert_eq!(cache.bytes().expect("countable"), 0);
}

#[test]
fn many_fetch_from_a_small_cache_at_once() {
    for place in Place::distant() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let putting = place.blobs();
        let digests: Vec<Digest> = (0..12).map(|seed| put(&putting, 5_000, seed)).collect();
        // Each has a cache of its own in the same folder, as processes have.
        let readers: Vec<_> = (0..8_u64)
            .map(|reader| {
                let blobs = place.blobs().with_cache(Cache::open(folder.path(), 20_000).expect("a cache"));
                let digests = digests.clone();
                handle().expect("threads").spawn(async move {
                    for turn in 0..30 {
                        let seed = (reader * 5 + turn * 7) % 12;
                        let mut file = blobs.open_file(digests[seed as usize]).await.expect("fetched");
                        let mut bytes = Vec::new();
                        file.read_to_end(&mut bytes).expect("readable");
                        assert_eq!(bytes, random(5_000, seed));
                    }
                })
            })
            .collect();
        wait(async move {
            for reader in readers {
                reader.await.expect("it read what it should");
            }
        });
    }
}

#[test]
fn what_many_want_at_once_is_fetched_once() {
    let (place, folder) = (Place::web(), tempfile::tempdir().expect("a temporary folder"));
    let blobs = place.blobs().with_cache(Cache::open(folder.path(), 1 << 30).expect("a cache"));
    let digest = put(&blobs, 3_000_000, 1);
    let fetching = (0..20).map(|_| {
        let blobs = blobs.clone();
        handle().expect("threads").spawn(async move { blobs.fetch(digest).await })
    });
    let fetching: Vec<_> = fetching.collect();
    wait(async move {
        for fetched in fetching {
            assert!(fetched.await.expect("it ran").expect("fetched").exists());
        }
    });
    assert_eq!(place.sent(), Some(1));
}
