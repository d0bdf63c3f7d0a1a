//! `Streaming` keeps the contract of strategies, from every place.

use std::sync::Arc;

use mvl_core::conformance;
use mvl_data::{Parallel, Prefetch, Sequential, Streaming};

use crate::blobs::Blobs;
use crate::http_server::{HttpServer, some_fail};
use crate::places::Place;

#[test]
fn streaming_keeps_the_contract_from_every_place() {
    for place in Place::all() {
        for packed in [false, true] {
            let blobs = Blobs::new((0..24).map(|number| number * 97 % 700), packed);
            place.put(blobs.objects());
            let blobs = Arc::new(blobs.at(&place.url));
            conformance::strategy::<Vec<u8>>([1], |_| Box::new(Streaming::new(Sequential)), blobs.clone());
            conformance::strategy::<Vec<u8>>([3], |workers| Box::new(Streaming::new(Parallel::new(workers))), blobs);
        }
    }
}

#[test]
fn streaming_keeps_the_contract_with_hardly_any_room_and_many_faults() {
    for packed in [false, true] {
        let blobs = Blobs::new((0..24).map(|number| number * 97 % 700), packed);
        let server = HttpServer::start(blobs.objects(), some_fail(0.1, 5));
        let blobs = Arc::new(blobs.at(&server.url()));
        for (workers, bytes, requests) in [(1, 0, 1), (2, 500, 2), (8, 2_000, 3), (4, 1 << 20, 16)] {
            let streaming =
                |workers| Streaming::new(Parallel::new(workers)).with_read_ahead_bytes(bytes).with_requests(requests);
            conformance::strategy::<Vec<u8>>([workers], |workers| Box::new(streaming(workers)), blobs.clone());
        }
        conformance::strategy::<Vec<u8>>([1], |_| Box::new(Prefetch::new(Streaming::new(Sequential))), blobs);
    }
}
