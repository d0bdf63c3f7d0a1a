//! `Streaming` reads ahead as much as it may, and no more.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use mvl_core::{DataLoadStrategy, Dataset, EpochPlan, ItemIter, Order};
use mvl_data::{Cached, Parallel, Sequential, Streaming};

use crate::blobs::Blobs;
use crate::http_server::{Fault, HttpServer};

/// Waits until the server has nothing more to do, and says what it sent in all.
fn settled(server: &HttpServer) -> usize {
    let mut before = (usize::MAX, 0);
    loop {
        thread::sleep(Duration::from_millis(60));
        let now = (server.requests(), server.sent_bytes());
        if now == before {
            return now.1;
        }
        before = now;
    }
}

fn start(strategy: &impl DataLoadStrategy<Vec<u8>>, blobs: &Arc<Blobs>) -> ItemIter<Vec<u8>> {
    strategy.load(blobs.clone(), EpochPlan::new(blobs.len(), Order::Sequential)).expect("it starts")
}

#[test]
fn what_waits_stays_within_the_budget_and_the_budget_is_used() {
    const SIZE: usize = 10_000;
    const BUDGET: usize = 55_000;
    for packed in [false, true] {
        let blobs = Blobs::new([SIZE; 60], packed);
        let server = HttpServer::start(blobs.objects(), Box::new(|_| None));
        let blobs = Arc::new(blobs.at(&server.url()));
        let strategy = Streaming::new(Sequential).with_read_ahead_bytes(BUDGET).with_requests(4);
        let mut items = start(&strategy, &blobs);
        for taken in 1..=8 {
            items.next().expect("an item").expect("a good one");
            let waiting = settled(&server) - taken * SIZE;
            let gaps = if packed { 100 * taken + 1_000 } else { 0 };
            assert!(waiting <= BUDGET + gaps, "{waiting} bytes wait after {taken} items");
            assert!(waiting >= BUDGET - 2 * SIZE, "only {waiting} bytes wait after {taken} items");
        }
        assert!(server.most_under_way() <= 4);
    }
}

#[test]
fn a_record_larger_than_the_budget_comes_alone() {
    for packed in [false, true] {
        let blobs = Blobs::new([9_000; 20], packed);
        let server = HttpServer::start(blobs.objects(), Box::new(|_| None));
        let blobs = Arc::new(blobs.at(&server.url()));
        let strategy = Streaming::new(Parallel::new(2)).with_read_ahead_bytes(100);
        let items: Result<Vec<_>, _> = start(&strategy, &blobs).collect();
        assert_eq!(items.expect("all of them").len(), 20);
    }
}

#[test]
fn neighbours_come_in_one_request() {
    let blobs = Blobs::new([1_000; 200], true);
    let server = HttpServer::start(blobs.objects(), Box::new(|_| None));
    let blobs = Arc::new(blobs.at(&server.url()));
    let strategy = Streaming::new(Sequential).with_read_ahead_bytes(200_000).with_requests(4);
    let items = start(&strategy, &blobs).map(|item| {
        thread::sleep(Duration::from_millis(1)); // a consumer that makes room record by record
        item.expect("a good one")
    });
    assert_eq!(items.count(), 200);
    let mut asked = server.asked();
    asked.sort_by_key(|(_, range)| range.clone().map(|range| range.start));
    assert_eq!(asked.len(), 5, "45 records of 1,100 bytes fit into a quarter of the budget");
    assert_eq!(asked[0], ("all.bin".to_owned(), Some(0..1_100 * 45 - 100)));
}

#[test]
fn every_object_is_asked_for_once() {
    let blobs = Blobs::new([500; 80], false);
    let server = HttpServer::start(blobs.objects(), Box::new(|_| None));
    let blobs = Arc::new(blobs.at(&server.url()));
    let items: Result<Vec<_>, _> = start(&Streaming::new(Parallel::new(4)), &blobs).collect();
    assert_eq!(items.expect("all of them").len(), 80);
    assert_eq!(server.requests(), 80);
}

#[test]
fn what_a_cache_on_disk_holds_is_not_asked_for_again() {
    for packed in [false, true] {
        let blobs = Blobs::new((0..60).map(|number| 300 + number), packed);
        let server = HttpServer::start(blobs.objects(), Box::new(|_| None));
        let blobs = Arc::new(blobs.at(&server.url()));
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut epochs = Vec::new();
        for _process in 0..2 {
            let cached = Cached::on_disk(folder.path(), 1 << 20, "blobs", Streaming::new(Parallel::new(2)));
            let items: Result<Vec<_>, _> = start(&cached.expect("a folder"), &blobs).collect();
            epochs.push((items.expect("all of them"), server.requests()));
        }
        assert_eq!(epochs[0], epochs[1], "the same items, and no more requests");
    }
}

#[test]
fn requests_overlap() {
    let blobs = Blobs::new([500; 40], false);
    let slow = Fault::Slow(Duration::from_millis(50));
    let server = HttpServer::start(blobs.objects(), Box::new(move |_| Some(slow)));
    let blobs = Arc::new(blobs.at(&server.url()));
    let begun = Instant::now();
    let items: Result<Vec<_>, _> = start(&Streaming::new(Sequential).with_requests(10), &blobs).collect();
    assert_eq!(items.expect("all of them").len(), 40);
    assert!(begun.elapsed() < Duration::from_millis(1_200), "{:?}; one by one it is 2 s", begun.elapsed());
}

#[test]
fn dropping_the_items_ends_the_requests() {
    let blobs = Blobs::new([500; 500], false);
    let slow = Fault::Slow(Duration::from_secs(2));
    let server = HttpServer::start(blobs.objects(), Box::new(move |number| (number > 0).then_some(slow)));
    let blobs = Arc::new(blobs.at(&server.url()));
    let mut items = start(&Streaming::new(Parallel::new(3)), &blobs);
    items.next().expect("an item").expect("a good one");
    let begun = Instant::now();
    drop(items); // its workers wait for bytes
    assert!(begun.elapsed() < Duration::from_millis(1_500), "{:?}; an answer takes 2 s", begun.elapsed());
    thread::sleep(Duration::from_millis(300)); // the server may read late what was asked before
    let before = server.requests();
    thread::sleep(Duration::from_millis(300));
    assert_eq!(server.requests(), before, "it went on asking");
    assert_eq!(Arc::strong_count(&blobs), 1, "something still holds the data set");
}
