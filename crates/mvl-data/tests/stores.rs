//! Data in object stores: the same suite against a disk, S3 and Azure, and epochs that come through a server's faults.
//!
//! The disk is always there. `scripts/with_stores.sh cargo test --test stores` starts stores that speak S3 and Azure's protocol.
#![cfg(feature = "remote")]

#[path = "stores/blobs.rs"]
mod blobs;
#[path = "stores/faults.rs"]
mod faults;
#[path = "stores/http_server.rs"]
mod http_server;
#[path = "stores/places.rs"]
mod places;
#[path = "stores/reading_ahead.rs"]
mod reading_ahead;
#[path = "stores/sources.rs"]
mod sources;
#[path = "stores/streaming.rs"]
mod streaming;
