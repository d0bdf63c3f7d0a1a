//! Files that are there whole or not at all: the one way in which the family writes them.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

const BUFFER_BYTES: usize = 1 << 20;

/// Writes through `write` into a temporary file in the target's folder, brings it down to the disk and renames it into place. A
/// file that was there before stays until then. Missing folders are made.
///
/// # Errors
/// What the system says; nothing is left behind then.
///
/// # Example
/// ```
/// use std::io::Write;
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("notes.txt");
/// mvl_core::write_atomically(&path, |out| out.write_all(b"all of it"))?;
/// assert_eq!(std::fs::read(path)?, b"all of it");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_atomically(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let folder = folder_of(path)?;
    let file = write_aside(folder, write)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|failure| failure.error)?;
    sync_folder(folder)
}

/// Like [`write_atomically`], but does not wait for the disk: whoever reads the file sees all of it or none, but after a loss of power
/// it may be damaged. For what has a checksum and can be made again, such as a cache.
///
/// # Errors
/// What the system says; nothing is left behind then.
pub fn write_disposable(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let file = write_aside(folder_of(path)?, write)?;
    file.persist(path).map_err(|failure| failure.error)?;
    Ok(())
}

/// The folder of a file, made where it is missing.
fn folder_of(path: &Path) -> io::Result<&Path> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match folder.metadata() {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return Err(io::ErrorKind::NotADirectory.into()),
        Err(_) => fs::create_dir_all(folder)?,
    }
    Ok(folder)
}

/// A temporary file with all that `write` wrote.
fn write_aside(
    folder: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".writing-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less the umask, like any new file
    let file = builder.tempfile_in(folder)?;
    let mut writer = BufWriter::with_capacity(BUFFER_BYTES, file.as_file());
    write(&mut writer)?;
    writer.flush()?;
    drop(writer);
    Ok(file)
}

/// Brings a folder's list of names down to the disk, so that renames survive a loss of power; where the system can do that.
///
/// # Errors
/// What the system says.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_disposable_is_written_whole_too() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("new/entry");
        write_disposable(&path, |out| out.write_all(b"all")).expect("writable");
        let failed = write_disposable(&path, |out| out.write_all(b"part").and(Err(io::Error::other("no more ink"))));
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).expect("written"), b"all");
        assert_eq!(fs::read_dir(folder.path().join("new")).expect("there").count(), 1);
    }

    #[test]
    fn replaces_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("new/plot.svg");
        for text in ["first", "second"] {
            write_atomically(&path, |out| out.write_all(text.as_bytes())).expect("writable");
            assert_eq!(fs::read_to_string(&path).expect("written"), text);
        }
        let failed = write_atomically(&path, |_| Err(io::Error::other("no more ink")));
        assert_eq!(failed.expect_err("it said so").to_string(), "no more ink");
        assert_eq!(fs::read_to_string(&path).expect("written"), "second");
        assert_eq!(fs::read_dir(folder.path().join("new")).expect("there").count(), 1);
    }
}
