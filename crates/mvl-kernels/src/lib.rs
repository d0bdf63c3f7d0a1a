//! The unsafe parts of ML Vision Lab, each behind a safe door. No other crate of the family holds `unsafe`.
//!
//! - [`map_file`]: a file as memory.
//!
//! | feature | gives |
//! |---|---|
//! | `turbojpeg` | libjpeg-turbo, built from source: needs cmake and a C compiler |

mod memory_map;

pub use memory_map::map_file;
