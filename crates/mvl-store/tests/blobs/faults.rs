//! A store that goes wrong: nothing is lost, and nothing else than what was put comes back.

use std::collections::HashSet;
use std::time::Duration;

use mvl_store::{Cache, Digest, handle};

use crate::places::{MIB, Place, blobs, child, is_child, random, wait};
use crate::proxy::{Proxy, some_fail};
use crate::streaming::drain;

/// Small blobs, many at once; requests are many, so that some fail.
const SMALL: u64 = 120;
/// Large ones.
const LARGE: u64 = 2;

#[test]
fn one_request_in_twenty_fails_and_nothing_is_lost() {
    through_faults(0.05, 1);
}

#[test]
fn one_request_in_five_fails_and_nothing_is_lost() {
    through_faults(0.2, 2);
}

/// Runs [`behind_a_proxy`] in a process of its own, whose environment leads it to the proxy, and looks afterwards without one.
fn through_faults(rate: f64, seed: u64) {
    for place in Place::remote() {
        let (variable, read) = place.endpoint.expect("a store that speaks HTTP");
        let endpoint = std::env::var(variable).expect("it is set");
        let proxy = Proxy::start(&endpoint, some_fail(rate, seed));
        let output = child("faults::behind_a_proxy")
            .env(read, proxy.endpoint(&endpoint))
            .env("MVL_TEST_ROOT", &place.url)
            .output()
            .expect("it runs");
        let (requests, failed) = proxy.requests();
        assert!(output.status.success(), "{}: {output:#?}", place.url);
        println!("{}: {failed} of {requests} requests failed", place.url);
        assert!(failed as f64 > requests as f64 * rate / 2.0, "{failed} of {requests}");
        let blobs = place.blobs();
        wait(async move {
            let listed = blobs.list().await.expect("listable");
            assert_eq!(listed.len() as u64, SMALL / 2 + LARGE);
            for blob in listed {
                blobs.verify(blob.digest).await.expect("whole");
            }
        });
    }
}

#[test]
fn behind_a_proxy() {
    if !is_child() {
        return;
    }
    let root = std::env::var("MVL_TEST_ROOT").expect("it is set");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let blobs = blobs(&root).with_cache(Cache::open(folder.path(), 1 << 30).expect("a cache"));
    let tasks: Vec<_> = (0..SMALL)
        .map(|seed| {
            let blobs = blobs.clone();
            handle().expect("threads").spawn(async move {
                let bytes = random(1_000 + seed as usize * 300, seed);
                let digest = blobs.put(bytes.clone()).await.expect("it is put");
                assert!(blobs.read(digest, MIB as u64).await.expect("readable") == bytes);
                digest
            })
        })
        .collect();
    let file = folder.path().join("file");
    wait(async move {
        let mut referenced = HashSet::new();
        for (seed, task) in tasks.into_iter().enumerate() {
            let digest = task.await.expect("it went through");
            if seed % 2 == 0 {
                referenced.insert(digest);
            }
        }
        tokio::time::sleep(Duration::from_millis(2_100)).await; // S3 counts in seconds
        for seed in 0..LARGE {
            let bytes = random(50 * MIB, seed);
            std::fs::write(&file, &bytes).expect("writable");
            let mut heard = 0;
            let (digest, size) = blobs.put_file(&file, |bytes| heard = bytes).await.expect("it is put");
            assert_eq!((digest, size, heard), (Digest::of(&bytes), bytes.len() as u64, size));
            let (sent, error) = drain(blobs.stream(digest, None).await.expect("it begins")).await;
            assert!(error.is_none() && sent == bytes);
            assert!(std::fs::read(blobs.fetch(digest).await.expect("fetched")).expect("readable") == bytes);
            referenced.insert(digest);
        }
        // A removal whose answer is lost is not counted; the next collection finds nothing left of it.
        for _ in 0..20 {
            blobs.collect_garbage(&referenced, Duration::from_secs(1)).await.expect("collectable");
            if blobs.list().await.expect("listable").len() == referenced.len() {
                break;
            }
        }
        let left: HashSet<Digest> = blobs.list().await.expect("listable").iter().map(|blob| blob.digest).collect();
        assert_eq!(left, referenced);
    });
}
