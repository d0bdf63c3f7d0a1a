//! What observers share that send to a server: a bounded queue with a thread behind it, requests that say whether they are
//! worth another try, and what becomes of trouble.

mod dispatch;
mod http;
mod outbox;
mod trouble;
mod unique_id;

pub(crate) use dispatch::{Dispatch, DispatchConfig};
pub(crate) use http::{Body, FileBody, HttpClient, Method};
pub(crate) use outbox::{Courier, Parcel};
pub use trouble::OnServerTrouble;
pub(crate) use unique_id::unique_id;

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
