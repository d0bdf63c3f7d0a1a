//! Object stores: `s3://`, `gs://`, `az://`, `http(s)://`, and files in the same way. Callers block; a small runtime of this crate's
//! own does the waiting.
//!
//! - [`StoreUrl`]: an address, and the store that it lies in. Stores are opened by the first who asks and kept.
//! - [`read_object`], [`read_place`], [`fetch`]: whole objects and parts of them, bounded and checked.
//! - [`list`](list()), [`files_below`], [`exists`]: what there is.
//! - [`download`](download()): an object too large for memory, piece by piece, from where it was broken off.
//! - [`put`], [`delete`]: objects written whole or not at all, and removed.
//! - [`Blobs`]: content under its [`Digest`], verified when it is read; [`Cache`]: a local folder of it with a limit.
//! - [`RetryPolicy`]: how often all of these ask again. [`Failure`]: why they gave up.
//!
//! Stores are set up by the environment, as `object_store` reads it: `AWS_*` (with `AWS_ENDPOINT_URL` and `AWS_ALLOW_HTTP` for
//! other stores that speak S3), `AZURE_*`, `GOOGLE_*`. Keys are written as they are in `s3://`, `gs://` and `az://` addresses, and
//! percent-encoded in `http(s)://`, where a server is listed and written by WebDAV only.

mod blobs;
mod cache;
mod connector;
mod content;
mod crypto;
mod digest;
mod download;
mod failure;
mod fetch;
mod head;
mod journal;
mod list;
mod retry;
mod runtime;
mod scatter;
mod store;
mod store_url;
mod upload;
mod verified;
mod write;

pub use blobs::{BlobInfo, BlobStream, Blobs, Collected};
pub use cache::Cache;
pub use crypto::choose_provider;
pub use digest::Digest;
pub use download::{Sink, download};
pub use failure::{Cause, Failure};
pub use fetch::{Request, fetch, read_object, read_objects, read_place};
pub use head::exists;
pub use list::{Listing, files_below, list};
pub use retry::RetryPolicy;
pub use runtime::{handle, wait_for};
pub use store_url::StoreUrl;
pub use write::{delete, put};
