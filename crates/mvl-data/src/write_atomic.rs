//! A file is either whole or not there: written beside its place, synchronised, then renamed.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use mvl_core::DataError;

/// Replaces the file at `path`.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), DataError> {
    let beside = beside(path);
    let outcome = write_synchronised(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    outcome.map_err(|source| {
        let _ = fs::remove_file(&beside); // it may not exist, and the first error matters more
        DataError::Other { what: format!("cannot write {}", path.display()), source: Box::new(source) }
    })
}

fn write_synchronised(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A hidden name in the same folder that no other writer uses.
fn beside(path: &Path) -> PathBuf {
    static WRITES: AtomicUsize = AtomicUsize::new(0);
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}-{}.tmp", std::process::id(), WRITES.fetch_add(1, Ordering::Relaxed)));
    path.with_file_name(name)
}
