//! Content-addressed storage: the same suite on a disk, S3 and Azure, with faults, with tampering, and with processes that are killed.
//!
//! The disk is always there. `scripts/with_stores.sh cargo test -p mvl-store` starts stores that speak S3 and Azure's protocol.

#[path = "blobs/cache.rs"]
mod cache;
#[path = "blobs/collecting.rs"]
mod collecting;
#[path = "blobs/faults.rs"]
mod faults;
#[path = "blobs/killing.rs"]
mod killing;
#[path = "blobs/places.rs"]
mod places;
#[path = "blobs/proxy.rs"]
mod proxy;
#[path = "blobs/resuming.rs"]
mod resuming;
#[path = "blobs/storing.rs"]
mod storing;
#[path = "blobs/streaming.rs"]
mod streaming;
#[path = "blobs/tampering.rs"]
mod tampering;
#[path = "blobs/web_server.rs"]
mod web_server;
