//! What is put comes back, once, whole, and whatever its size.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use mvl_store::{Digest, handle};

use crate::places::{MIB, Place, blobs, random, wait};

#[test]
fn what_is_put_comes_back() {
    for place in Place::all() {
        let blobs = place.blobs();
        assert_eq!(wait(async move { blobs.list().await }).expect("listable"), [], "{}", place.url);
        let mut expected = Vec::new();
        for (seed, size) in [0, 1, 1_000, MIB, 16 * MIB, 16 * MIB + 1, 33 * MIB].into_iter().enumerate() {
            let (bytes, blobs) = (random(size, seed as u64), place.blobs());
            let sent = bytes.clone();
            let (digest, read, found) = wait(async move {
                let digest = blobs.put(sent).await.expect("it is put");
                assert_eq!(
                    blobs.put(blobs.read(digest, u64::MAX).await.expect("readable")).await.expect("again"),
                    digest
                );
                (digest, blobs.read(digest, size as u64).await, blobs.size(digest).await)
            });
            assert_eq!(digest, Digest::of(&bytes));
            assert!(read.expect("readable") == bytes, "{size} bytes at {}", place.url);
            assert_eq!(found.expect("there"), Some(size as u64));
            expected.push((digest, size as u64));
        }
        expected.sort();
        let blobs = place.blobs();
        let listed = wait(async move { blobs.list().await }).expect("listable");
        assert_eq!(listed.iter().map(|blob| (blob.digest, blob.bytes)).collect::<Vec<_>>(), expected, "{}", place.url);
    }
}

#[test]
fn files_go_with_progress_and_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model.safetensors");
    for place in Place::all() {
        for size in [0, 5, 40 * MIB + 7] {
            let bytes = random(size, 11);
            std::fs::write(&path, &bytes).expect("writable");
            let put = |path: std::path::PathBuf| {
                let (blobs, heard) = (place.blobs(), Arc::new(Mutex::new(Vec::new())));
                let hears = heard.clone();
                let stored = wait(async move {
                    blobs.put_file(&path, move |bytes| hears.lock().expect("not poisoned").push(bytes)).await
                });
                let heard = heard.lock().expect("not poisoned").clone();
                (stored.expect("it is put"), heard)
            };
            let (stored, heard) = put(path.clone());
            assert_eq!(stored, (Digest::of(&bytes), size as u64));
            assert!(heard.is_sorted() && heard.last() == Some(&(size as u64)), "{heard:?}");
            assert!(size < 16 * MIB || heard.len() > 3, "{heard:?}");
            let (_, heard) = put(path.clone());
            assert_eq!(heard, [size as u64], "nothing is sent again");
            let blobs = place.blobs();
            assert!(wait(async move { blobs.read(stored.0, u64::MAX).await }).expect("readable") == bytes);
        }
    }
}

#[test]
fn what_is_missing_or_too_large_is_said() {
    for place in Place::all() {
        let (blobs, missing) = (place.blobs(), Digest::of(b"never put"));
        wait(async move {
            assert_eq!(blobs.size(missing).await.expect("it answers"), None);
            let error = blobs.read(missing, 10).await.expect_err("missing").full_message();
            assert!(error.contains(&missing.to_hex()) && error.contains("no such object"), "{error}");
            assert!(blobs.stream(missing, None).await.is_err());
            assert!(blobs.stream(missing, Some(0..0)).await.is_err());
            let digest = blobs.put(Bytes::from_static(b"eleven byte")).await.expect("it is put");
            let error = blobs.read(digest, 10).await.expect_err("too large").full_message();
            assert!(error.contains("expected at most 10 bytes, got 11"), "{error}");
        });
        let blobs = place.blobs();
        let gone = wait(async move { blobs.put_file("/nowhere/file".as_ref(), |_| {}).await });
        assert!(gone.expect_err("no file").full_message().contains("/nowhere/file"));
    }
}

#[test]
fn writers_of_the_same_blob_do_not_disturb_each_other() {
    for place in Place::all() {
        for size in [100, 20 * MIB] {
            let bytes = random(size, 21);
            let writers: Vec<_> = (0..6)
                .map(|_| {
                    let (blobs, bytes) = (place.blobs(), bytes.clone());
                    handle().expect("threads").spawn(async move { blobs.put(bytes).await })
                })
                .collect();
            let digests = wait(async move {
                let mut digests = Vec::new();
                for writer in writers {
                    digests.push(writer.await.expect("it ran").expect("it is put"));
                }
                digests
            });
            assert_eq!(digests, [Digest::of(&bytes); 6]);
            let blobs = place.blobs();
            assert!(wait(async move { blobs.read(digests[0], u64::MAX).await }).expect("readable") == bytes);
        }
        let blobs = place.blobs();
        assert_eq!(wait(async move { blobs.list().await }).expect("listable").len(), 2, "{}", place.url);
    }
}

#[test]
fn a_root_may_have_any_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path().join("50% of ü #1");
    let bytes = random(17 * MIB, 22);
    for url in [root.to_str().expect("text").to_owned(), format!("{}/", root.display())] {
        let (blobs, bytes) = (blobs(&url), bytes.clone());
        wait(async move {
            let digest = blobs.put(bytes.clone()).await.expect("it is put");
            assert!(blobs.read(digest, u64::MAX).await.expect("readable") == bytes);
            assert!(std::fs::read(blobs.fetch(digest).await.expect("there")).expect("readable") == bytes);
            assert_eq!(blobs.list().await.expect("listable").len(), 1);
        });
    }
    assert!(root.join("blobs/sha256").is_dir());
}

#[test]
fn other_runtimes_may_wait() {
    let place = Place::disk();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let digest = runtime.block_on(async { place.blobs().put("text".into()).await }).expect("it is put");
    assert_eq!(digest, Digest::of(b"text"));
}
