//! Files whose size somebody else chose.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Reads a whole file of at most so many bytes. What grows meanwhile, or has no size, is bounded too.
///
/// # Errors
/// What the system says, and [`ErrorKind::FileTooLarge`] when there is more.
///
/// # Example
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("notes.txt");
/// std::fs::write(&path, b"all of it")?;
/// assert_eq!(mvl_core::read_bounded(&path, 9)?, b"all of it");
/// assert!(mvl_core::read_bounded(&path, 8).is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read_bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(ErrorKind::FileTooLarge, format!("expected at most {most} bytes")));
    }
    Ok(bytes)
}
