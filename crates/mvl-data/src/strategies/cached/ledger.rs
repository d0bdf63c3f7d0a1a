//! How many bytes a folder holds: one number, which the processes that share the folder lock before they change anything.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The file that holds the number and the lock.
const LEDGER: &str = "bytes-used";
/// What the names of entries end in; nothing else is counted.
pub(super) const ENTRY_EXTENSION: &str = "rec";
/// What half-written files begin with.
const UNFINISHED: &str = ".writing-";

/// The ledger of a folder.
#[derive(Debug)]
pub(super) struct Ledger {
    folder: PathBuf,
    file: Mutex<File>,
}

impl Ledger {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join(LEDGER);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        Ok(Self { folder: folder.to_owned(), file: Mutex::new(file) })
    }

    /// Keeps all other threads and processes from changing the folder until the lock is dropped.
    pub(super) fn lock(&self) -> io::Result<LockedLedger<'_>> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.lock()?;
        let mut ledger = LockedLedger { folder: &self.folder, file, used: 0 };
        ledger.used = match ledger.read()? {
            Some(used) => used,
            None => ledger.recount()?,
        };
        Ok(ledger)
    }
}

/// The number, while it is this thread's alone.
#[derive(Debug)]
pub(super) struct LockedLedger<'a> {
    folder: &'a Path,
    file: MutexGuard<'a, File>,
    used: u64,
}

impl LockedLedger<'_> {
    pub(super) fn used(&self) -> u64 {
        self.used
    }

    /// Writes the number down before the change itself, so that a process that dies in between leaves it too high, not too low.
    pub(super) fn set(&mut self, used: u64) -> io::Result<()> {
        self.used = used;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&used.to_le_bytes())
    }

    /// Counts anew what is there. Nobody else writes meanwhile, so what is unfinished was left behind, and goes.
    pub(super) fn recount(&mut self) -> io::Result<u64> {
        let used = bytes_below(self.folder)?;
        self.set(used)?;
        Ok(used)
    }

    fn read(&mut self) -> io::Result<Option<u64>> {
        let mut bytes = Vec::with_capacity(8);
        self.file.seek(SeekFrom::Start(0))?;
        (&*self.file).take(9).read_to_end(&mut bytes)?;
        Ok(bytes.try_into().ok().map(u64::from_le_bytes))
    }
}

impl Drop for LockedLedger<'_> {
    fn drop(&mut self) {
        let _ = self.file.unlock(); // closing the file would do it too
    }
}

/// The bytes of all entries at any depth.
pub(super) fn bytes_below(folder: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue, // somebody tidied up
            Err(error) => return Err(error),
        };
        if metadata.is_dir() {
            sum += bytes_below(&entry.path())?;
        } else if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            fs::remove_file(entry.path())?;
        } else if entry.path().extension().is_some_and(|extension| extension == ENTRY_EXTENSION) {
            sum += metadata.len();
        }
    }
    Ok(sum)
}
