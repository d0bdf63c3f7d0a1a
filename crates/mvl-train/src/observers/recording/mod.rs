//! Runs recorded by a tracker: [`RunLogger`] turns events into entries, and a thread of its own brings them to a
//! [`RunRecorder`](mvl_core::RunRecorder).

mod courier;
mod entry;
mod limits;
mod logger;
mod picture;

pub use logger::RunLogger;
