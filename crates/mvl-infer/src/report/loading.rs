//! [`Loading`]: what loading a model took.

use std::time::Instant;

use mvl_core::resident_bytes;
use serde::{Deserialize, Serialize};

/// What loading a model took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Loading {
    /// Time, in milliseconds.
    pub ms: f64,
    /// What the process had more of in memory afterwards; `None` where the system does not say.
    pub bytes: Option<u64>,
}

impl Loading {
    /// Watches something being loaded. Whatever else the process does meanwhile counts too.
    ///
    /// # Errors
    /// What the loading says.
    pub fn watch<T, E>(load: impl FnOnce() -> Result<T, E>) -> Result<(T, Self), E> {
        let (before, begun) = (resident_bytes(), Instant::now());
        let loaded = load()?;
        let ms = begun.elapsed().as_secs_f64() * 1000.0;
        let bytes = resident_bytes().zip(before).map(|(after, before)| after.saturating_sub(before));
        Ok((loaded, Self { ms, bytes }))
    }
}
