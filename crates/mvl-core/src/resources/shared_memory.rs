//! Memory that several processes of a host share: files that live in memory and are mapped by whoever needs them.
//!
//! Two training processes on one host, or a trainer and a service, then hold one copy of what they both decoded. Files of data sets
//! need nothing of this: a file that is mapped by two processes lies in the system's page cache once.

use std::io;
use std::path::{Path, PathBuf};

/// Linux' folder of files that live in memory.
const MEMORY_FOLDER: &str = "/dev/shm";

/// A folder for what is shared between the processes of a host that are given the same name.
///
/// # Example
/// ```
/// use mvl_core::SharedMemory;
/// let folder = tempfile::tempdir()?;
/// let shared = SharedMemory::at(folder.path().join("pets"));
/// mvl_core::write_atomically(&shared.folder().join("one.raw"), |out| out.write_all(&[1, 2, 3]))?;
/// let usage = shared.usage()?;
/// assert_eq!((usage.files, usage.bytes), (1, 3));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedMemory {
    folder: PathBuf,
    in_memory: bool,
}

/// What lies in shared memory.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SharedMemoryUsage {
    /// Where it lies.
    pub folder: PathBuf,
    /// Whether the folder is in memory, not on a disk.
    pub in_memory: bool,
    /// How many files there are.
    pub files: usize,
    /// How many bytes they have.
    pub bytes: u64,
}

impl SharedMemory {
    /// The folder for a name: in memory where the system has such a place, otherwise in its folder for temporary files. Other users of
    /// the host have their own.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let memory = Path::new(MEMORY_FOLDER);
        let in_memory = memory.is_dir();
        let root = if in_memory { memory.to_owned() } else { std::env::temp_dir() };
        Self { folder: root.join(format!("mvl-{}-{}", user(), plain(name))), in_memory }
    }

    /// A folder of your own, on a disk or not.
    #[must_use]
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        let in_memory = folder.starts_with(MEMORY_FOLDER);
        Self { folder, in_memory }
    }

    /// Where the files go; made when the first is written.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What lies there now, whoever wrote it; nothing where the folder is not made yet.
    ///
    /// # Errors
    /// What the system says.
    pub fn usage(&self) -> io::Result<SharedMemoryUsage> {
        let (mut files, mut bytes) = (0, 0);
        let mut folders = vec![self.folder.clone()];
        while let Some(folder) = folders.pop() {
            let entries = match std::fs::read_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                match entry.metadata() {
                    Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                    Ok(metadata) => {
                        files += 1;
                        bytes += metadata.len();
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {} // another process removed it meanwhile
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(SharedMemoryUsage { folder: self.folder.clone(), in_memory: self.in_memory, files, bytes })
    }

    /// Removes everything, for all processes; who has a file mapped keeps it.
    ///
    /// # Errors
    /// What the system says.
    pub fn clear(&self) -> io::Result<()> {
        match std::fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Tells users of a host apart: the number of the user that this process runs as, or its name where there is no such file.
fn user() -> String {
    #[cfg(unix)]
    if let Ok(process) = std::fs::metadata("/proc/self") {
        return std::os::unix::fs::MetadataExt::uid(&process).to_string();
    }
    plain(&std::env::var("USER").or_else(|_| std::env::var("USERNAME")).unwrap_or_default())
}

/// Text that is a file name anywhere.
fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_folder() {
        let shared = SharedMemory::named("../../etc");
        let name = shared.folder().file_name().expect("a name").to_string_lossy().into_owned();
        assert!(name.ends_with("-------etc"), "{name}");
    }

    #[test]
    fn what_is_not_there_is_empty_and_can_be_cleared() {
        let folder = tempfile::tempdir().expect("a folder");
        let shared = SharedMemory::at(folder.path().join("later"));
        assert_eq!(shared.usage().expect("nothing").files, 0);
        shared.clear().expect("nothing to do");
        crate::write_atomically(&shared.folder().join("deep/file"), |out| out.write_all(b"four")).expect("written");
        assert_eq!(shared.usage().expect("a file").bytes, 4);
        shared.clear().expect("removed");
        assert_eq!(shared.usage().expect("nothing").files, 0);
    }
}
