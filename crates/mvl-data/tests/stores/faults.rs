//! A store that goes wrong: nothing is lost, nothing comes twice, and what cannot be had is said in time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mvl_core::{Channels, DataError, DataLoadStrategy, Dataset, EpochPlan, Image, Order};
use mvl_data::{
    Parallel, RetryPolicy, Sequential, ShardDataset, ShardLimits, ShardSample, Streaming, encode_png, write_shard,
};

use crate::blobs::Blobs;
use crate::http_server::{Fault, HttpServer, some_fail};

/// Quick, for a server that is near.
const RETRY: RetryPolicy = RetryPolicy {
    first_delay: Duration::from_millis(2),
    longest_delay: Duration::from_millis(20),
    deadline: Duration::from_secs(20),
};

fn sizes(count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(|place| 200 + place * 37 % 1_900)
}

/// What an epoch yields, beside what it should.
type Epoch = (Vec<Result<Vec<u8>, DataError>>, Vec<Vec<u8>>);

fn epoch(strategy: &dyn DataLoadStrategy<Vec<u8>>, blobs: &Arc<Blobs>, order: Order) -> Epoch {
    let plan = EpochPlan::new(blobs.len(), order).with_seed(3);
    let expected = plan.keys().into_iter().map(|key| blobs.get(key).expect("a good item")).collect();
    (strategy.load(blobs.clone(), plan).expect("it starts").collect(), expected)
}

fn comes_through(rate: f64, seed: u64) {
    for packed in [false, true] {
        let blobs = Blobs::new(sizes(150), packed);
        let server = HttpServer::start(blobs.objects(), some_fail(rate, seed));
        let blobs = Arc::new(blobs.at(&server.url()));
        let mut strategies: Vec<Box<dyn DataLoadStrategy<Vec<u8>>>> = Vec::new();
        for budget in [6_000, 64 << 20] {
            let streaming = Streaming::new(Sequential).with_retry(RETRY).with_read_ahead_bytes(budget).with_requests(6);
            strategies.push(Box::new(streaming));
            let streaming =
                Streaming::new(Parallel::new(3)).with_retry(RETRY).with_read_ahead_bytes(budget).with_requests(6);
            strategies.push(Box::new(streaming));
        }
        for (number, strategy) in strategies.iter().enumerate() {
            for order in [Order::Sequential, Order::Shuffled] {
                let (items, expected) = epoch(&**strategy, &blobs, order);
                let items: Result<Vec<_>, _> = items.into_iter().collect();
                let items = items.unwrap_or_else(|error| panic!("strategy {number}: {}", error.full_message()));
                assert_eq!(items, expected, "strategy {number}, {order:?}, seed {seed}");
            }
        }
        assert!(server.failed() > 0, "none of {} requests failed", server.requests());
    }
}

#[test]
fn an_epoch_comes_through_one_fault_in_twenty() {
    for seed in 0..4 {
        comes_through(0.05, seed);
    }
}

#[test]
fn an_epoch_comes_through_one_fault_in_three() {
    comes_through(0.33, 7);
}

#[test]
fn shards_open_and_stream_through_faults() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut objects, mut names) = (BTreeMap::new(), Vec::new());
    for shard in 0..6_u8 {
        let path = folder.path().join(format!("{shard}.tar"));
        let mut samples = (0..20).map(|number| {
            let image = Image::new(3, 2, Channels::Gray, vec![shard * 20 + number; 6]).expect("a byte a pixel");
            let sample = ShardSample::new(format!("{number:04}")).expect("a good key");
            Ok(sample.with_part("png", encode_png(&image)).with_part("cls", "1"))
        });
        write_shard(&path, &mut samples, ShardLimits::default()).expect("it can be written");
        for name in [format!("{shard}.tar"), format!("{shard}.idx")] {
            objects.insert(name.clone(), std::fs::read(folder.path().join(name)).expect("readable"));
        }
        names.push(format!("{shard}.tar"));
    }
    for seed in 0..4 {
        let server = HttpServer::start(objects.clone(), some_fail(0.1, seed));
        let shards: Vec<_> = names.iter().map(|name| format!("{}/{name}", server.url()).into()).collect();
        let dataset = Arc::new(ShardDataset::open(&shards, None).expect("six indices"));
        assert!(server.asked().iter().all(|(path, _)| path.ends_with(".idx")), "only indices are needed");
        let plan = EpochPlan::new(dataset.len(), Order::Sequential);
        let items = Streaming::new(Parallel::new(2)).with_retry(RETRY).load(dataset, plan).expect("it starts");
        let first_pixels = items.map(|item| item.expect("a good one").image.pixels()[0]).collect::<Vec<_>>();
        assert_eq!(first_pixels, (0..120).collect::<Vec<u8>>());
    }
}

#[test]
fn a_store_that_is_down_is_an_error_within_the_deadline() {
    let policy = RetryPolicy { deadline: Duration::from_millis(400), ..RETRY };
    let streaming = Streaming::new(Sequential).with_retry(policy);
    for fault in [Fault::Status(503), Fault::Closed, Fault::Slow(Duration::from_secs(3))] {
        let blobs = Blobs::new(sizes(12), true);
        let server = HttpServer::start(blobs.objects(), Box::new(move |_| Some(fault)));
        let blobs = Arc::new(blobs.at(&server.url()));
        let begun = Instant::now();
        let (items, _) = epoch(&streaming, &blobs, Order::Sequential);
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        assert_eq!(items.len(), 12);
        let message = items.into_iter().next().expect("twelve").expect_err("the store is down").full_message();
        assert!(message.starts_with(&format!("cannot read {}/all.bin: bytes 0..", server.url())), "{message}");
        assert!(message.ends_with("; is the server up, and the address right?"), "{message}");
        if fault == Fault::Status(503) {
            assert!(message.contains(": the store answered with status 503, in "), "{message}");
        }
    }
}

#[test]
fn nobody_at_the_address_is_an_error_within_the_deadline() {
    let policy = RetryPolicy { deadline: Duration::from_millis(300), ..RETRY };
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("it is bound");
    let blobs = Arc::new(Blobs::new(sizes(10), false).at(&format!("http://{free}")));
    let begun = Instant::now();
    let (items, _) = epoch(&Streaming::new(Parallel::new(4)).with_retry(policy), &blobs, Order::Sequential);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    for item in items {
        let message = item.expect_err("nobody is there").full_message();
        assert!(message.contains("onnection refused") && message.contains(" attempts within "), "{message}");
    }
}

#[test]
fn an_object_that_is_missing_is_an_error_in_its_place() {
    let blobs = Blobs::new(sizes(30), false);
    let mut objects = blobs.objects();
    objects.remove("11.bin");
    let server = HttpServer::start(objects, Box::new(|_| None));
    let blobs = Arc::new(blobs.at(&server.url()));
    let (items, expected) = epoch(&Streaming::new(Parallel::new(2)).with_retry(RETRY), &blobs, Order::Sequential);
    for (place, (item, expected)) in items.into_iter().zip(expected).enumerate() {
        match item {
            Ok(item) => assert_eq!(item, expected),
            Err(error) => {
                assert_eq!(place, 11);
                let message = error.full_message();
                assert!(
                    message.starts_with(&format!("cannot read {}/11.bin: all of it: no such object", server.url())),
                    "{message}"
                );
            }
        }
    }
    assert_eq!(server.requests(), 30, "what is missing is asked for once");
}

#[test]
fn damage_on_the_way_is_mended_and_damage_in_the_store_is_named() {
    let blobs = Blobs::new(sizes(20), true);
    let server = HttpServer::start(blobs.objects(), Box::new(|number| (number == 0).then_some(Fault::Damaged)));
    let blobs = Arc::new(blobs.at(&server.url()));
    let streaming = Streaming::new(Sequential).with_retry(RETRY);
    let (items, expected) = epoch(&streaming, &blobs, Order::Sequential);
    assert_eq!(items.into_iter().collect::<Result<Vec<_>, _>>().expect("mended"), expected);

    let blobs = Blobs::new(sizes(20), true);
    let range = blobs.location(4).expect("it lies there").range.expect("a part");
    let mut objects: BTreeMap<String, Vec<u8>> = blobs.objects();
    objects.get_mut("all.bin").expect("the object")[range.start as usize + 5] ^= 1;
    let server = HttpServer::start(objects, Box::new(|_| None));
    let blobs = Arc::new(blobs.at(&server.url()));
    let (items, expected) = epoch(&streaming, &blobs, Order::Sequential);
    for (place, (item, expected)) in items.into_iter().zip(expected).enumerate() {
        match item {
            Ok(item) => assert_eq!((item, place == 4), (expected, false)),
            Err(error) => {
                let message = error.full_message();
                let named = format!(
                    "cannot read {}/all.bin: bytes {}..{}: expected the checksum ",
                    server.url(),
                    range.start,
                    range.end
                );
                assert!(place == 4 && message.starts_with(&named), "{place}: {message}");
            }
        }
    }
}
