//! An upload that was broken off goes on where the store has what was sent.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use mvl_store::{Cache, Digest};

use crate::places::{MIB, Place, blobs, child, is_child, random, wait};
use crate::proxy::{Fault, Faults, Proxy};

const PARTS: usize = 8;
const SIZE: usize = PARTS * 16 * MIB - 5;

/// Kills an upload once two parts have arrived; leaves a journal in `folder`.
fn break_off(place: &Place, folder: &Path) {
    let (_proxy, mut writer) = upload(place, folder, Box::new(|_| Some(Fault::Slow(Duration::from_millis(300)))));
    let sent = BufReader::new(writer.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let mut sent = sent.filter_map(|line| line.strip_prefix("sent ")?.parse::<usize>().ok());
    assert!(sent.any(|bytes| (32 * MIB..SIZE).contains(&bytes)), "it went too fast");
    writer.kill().expect("SIGKILL");
    writer.wait().expect("it is gone");
}

/// Uploads the file in `folder` from a process of its own.
fn upload(place: &Place, folder: &Path, faults: Faults) -> (Proxy, Child) {
    let (variable, read) = place.endpoint.expect("a store that speaks HTTP");
    let endpoint = std::env::var(variable).expect("it is set");
    let proxy = Proxy::start(&endpoint, faults);
    let writer = child("resuming::uploads_until_it_is_killed")
        .env(read, proxy.endpoint(&endpoint))
        .env("MVL_TEST_ROOT", &place.url)
        .env("MVL_TEST_FOLDER", folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    (proxy, writer)
}

#[test]
fn uploads_until_it_is_killed() {
    if !is_child() {
        return;
    }
    let variable = |name| std::env::var(name).expect("it is set");
    let folder = variable("MVL_TEST_FOLDER");
    let blobs = blobs(&variable("MVL_TEST_ROOT")).with_cache(Cache::open(&folder, 1 << 30).expect("a cache"));
    wait(async move { blobs.put_file(&Path::new(&folder).join("file"), |sent| println!("\nsent {sent}")).await })
        .expect("it is put");
}

/// Puts the file, and says what was heard of its progress.
fn put_again(place: &Place, folder: &Path, bytes: &Bytes) -> Vec<u64> {
    let blobs = place.blobs().with_cache(Cache::open(folder, 1 << 30).expect("a cache"));
    let (file, heard) = (folder.join("file"), Arc::new(Mutex::new(Vec::new())));
    let (hears, putting) = (heard.clone(), blobs.clone());
    let put = async move { putting.put_file(&file, |sent| hears.lock().expect("not poisoned").push(sent)).await };
    let (digest, _) = wait(put).expect("it is put");
    assert_eq!(digest, Digest::of(bytes));
    assert!(wait(async move { blobs.read(digest, u64::MAX).await }).expect("readable") == bytes);
    assert_eq!(fs::read_dir(folder.join("uploads")).expect("a folder").count(), 0, "no journal is left");
    heard.lock().expect("not poisoned").clone()
}

#[test]
fn another_process_goes_on() {
    for place in Place::remote() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let bytes = random(SIZE, 51);
        fs::write(folder.path().join("file"), &bytes).expect("writable");
        break_off(&place, folder.path());
        let blobs = place.blobs();
        assert_eq!(wait(async move { blobs.list().await }).expect("listable"), [], "nothing of it is visible");
        let heard = put_again(&place, folder.path(), &bytes);
        assert!(heard[0] >= 32 * MIB as u64 && heard.len() <= PARTS, "{heard:?} at {}", place.url);
    }
}

#[test]
fn credentials_that_run_out_cost_nothing() {
    for place in Place::remote() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let bytes = random(SIZE, 55);
        fs::write(folder.path().join("file"), &bytes).expect("writable");
        let (_proxy, writer) =
            upload(&place, folder.path(), Box::new(|number| (number >= 6).then_some(Fault::Status(403))));
        let output = writer.wait_with_output().expect("it ends");
        assert!(!output.status.success(), "it was denied");
        let heard = put_again(&place, folder.path(), &bytes);
        assert!(heard[0] >= 16 * MIB as u64, "{heard:?} at {}", place.url);
    }
}

#[test]
fn what_the_store_has_forgotten_is_sent_anew() {
    for place in Place::remote() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let bytes = random(SIZE, 52);
        fs::write(folder.path().join("file"), &bytes).expect("writable");
        break_off(&place, folder.path());
        let journal = fs::read_dir(folder.path().join("uploads")).expect("a folder").next().expect("one");
        let journal = journal.expect("readable").path();
        let text = fs::read_to_string(&journal).expect("readable");
        // Another upload's id, and other parts' ids, as far as a store has them.
        let lines = text.lines().map(|line| match line.split_once("\"upload\":") {
            Some((subject, _)) => format!("{subject}\"upload\":\"forgotten\"}}\n"),
            None => format!("{},\"id\":\"forgotten\"}}\n", line.split(",\"id\"").next().unwrap_or_default()),
        });
        fs::write(&journal, lines.collect::<String>()).expect("writable");
        let heard = put_again(&place, folder.path(), &bytes);
        assert!(heard.contains(&0), "{heard:?} at {}", place.url);
    }
}

#[test]
fn another_file_does_not_go_on_with_it() {
    for place in Place::remote() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("file"), random(SIZE, 53)).expect("writable");
        break_off(&place, folder.path());
        let other = random(SIZE, 54);
        fs::write(folder.path().join("file"), &other).expect("writable");
        let uploads = folder.path().join("uploads");
        let kept: Vec<_> = fs::read_dir(&uploads).expect("a folder").map(|entry| entry.expect("one").path()).collect();
        let blobs = place.blobs().with_cache(Cache::open(folder.path(), 1 << 30).expect("a cache"));
        let file = folder.path().join("file");
        let (digest, _) = wait(async move { blobs.put_file(&file, |_| {}).await }).expect("it is put");
        assert_eq!(digest, Digest::of(&other));
        assert!(kept.len() == 1 && kept[0].exists(), "the first one's stays");
    }
}
