//! How long a fresh machine waits.

use std::time::Instant;

use anyhow::{Result, ensure};

use super::Verdict;
use crate::command::{cargo, root};

const COLD_SECONDS: f64 = 360.0;

/// Builds what `cargo run --release -- demo` builds into an empty folder.
pub(crate) fn cold_build() -> Result<Verdict> {
    let folder = root().join("target/prove/cold");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let begun = Instant::now();
    ensure!(cargo(&["build", "--release", "--target-dir", &folder.display().to_string()])?, "the build failed");
    let seconds = begun.elapsed().as_secs_f64();
    std::fs::remove_dir_all(&folder)?;
    Ok(Verdict::new(format!("{seconds:.0} s"), "under 360 s on two cores", seconds < COLD_SECONDS))
}
