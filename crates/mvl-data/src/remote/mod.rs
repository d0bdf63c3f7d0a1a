//! Data in object stores: `s3://`, `gs://`, `az://`, `http(s)://`. Callers block; a small runtime of this module's own does the waiting.
//!
//! Stores are set up by the environment, as `object_store` reads it: `AWS_*` (with `AWS_ENDPOINT_URL` and `AWS_ALLOW_HTTP` for
//! other stores that speak S3), `AZURE_*`, `GOOGLE_*`. Keys are written as they are in `s3://`, `gs://` and `az://` addresses, and
//! percent-encoded in `http(s)://`, where a server is listed by WebDAV only. Absent on purpose: writing.

mod connector;
mod crypto;
mod failure;
mod fetch;
mod list;
mod retry;
mod runtime;
mod scatter;
mod store;
mod store_url;

pub use retry::RetryPolicy;

pub(crate) use failure::Failure;
pub(crate) use fetch::{Request, fetch, read_object, read_objects, read_place};
pub(crate) use list::{exists, files_below, list};
pub(crate) use runtime::{handle, wait_for};
pub(crate) use store_url::StoreUrl;
