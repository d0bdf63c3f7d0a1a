//! A file as memory: pages come in when they are read, and every process that maps the file shares them.

use std::fs::File;
use std::io;
use std::path::Path;

use bytes::Bytes;
use memmap2::Mmap;

/// Maps a whole file; an empty one is no bytes.
///
/// A program that shortens the file meanwhile ends this one (`SIGBUS`), and one that writes into it changes the bytes: map
/// only what is replaced whole, as `mvl_core::write_atomically` does, never written in place.
///
/// # Errors
/// What the system says.
///
/// # Example
/// ```
/// let file = tempfile::NamedTempFile::new()?;
/// std::fs::write(file.path(), b"pages")?;
/// let bytes = mvl_kernels::map_file(file.path())?;
/// assert_eq!(bytes.slice(1..3), b"ag"[..]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn map_file(path: &Path) -> io::Result<Bytes> {
    let file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(Bytes::new());
    }
    // SAFETY: the map is read-only and lives as long as the bytes that are made of it. That nobody shortens or overwrites the
    // file is what the documentation asks of the caller, and what no program can check.
    #[expect(unsafe_code, reason = "mapping a file is unsafe because of other programs, see above")]
    let map = unsafe { Mmap::map(&file)? };
    Ok(Bytes::from_owner(map))
}
