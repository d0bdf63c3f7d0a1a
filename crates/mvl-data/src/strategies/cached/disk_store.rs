//! Records as files, in a folder for each data set:
//!
//! ```text
//! cache/bytes-used                 the ledger
//! cache/3f2a…/used                 the data set's name; when it was used last
//! cache/3f2a…/00000/00000017.rec   the record with index 17
//! ```

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use mvl_core::{DataError, Record, write_disposable};
use mvl_kernels::map_file;

use super::entry::{Entry, Found, read_entry};
use super::identity::{Identity, Place};
use super::ledger::{ENTRY_EXTENSION, Ledger, LockedLedger, bytes_below};
use super::statistics::Counters;

/// In each data set's folder: its name, and by the file's time when it was used last.
const MARKER: &str = "used";
/// How often the marker is renewed.
const MARKED_EVERY: Duration = Duration::from_secs(60);
/// Data sets that were not used for so long give way to others.
const IDLE: Duration = Duration::from_secs(600);
/// Indices a folder.
const CHUNK: usize = 4096;

/// A folder of records with a limit in bytes.
#[derive(Debug)]
pub(super) struct DiskStore {
    folder: PathBuf,
    limit: u64,
    ledger: Ledger,
    /// The ledger's number when it was last seen.
    used: AtomicU64,
    /// Entries of so many bytes or more found no room in this epoch.
    refused: AtomicU64,
    marked: Mutex<Option<Instant>>,
}

impl DiskStore {
    pub(super) fn open(folder: PathBuf, limit: u64) -> Result<Self, DataError> {
        let open = || {
            fs::create_dir_all(&folder)?;
            let ledger = Ledger::open(&folder)?;
            let used = ledger.lock()?.used();
            Ok((ledger, used))
        };
        match open() {
            Ok((ledger, used)) => {
                let refused = AtomicU64::new(u64::MAX);
                Ok(Self { folder, limit, ledger, used: used.into(), refused, marked: Mutex::default() })
            }
            Err(source) => Err(DataError::Io { path: folder, source }),
        }
    }

    /// Room may have been made since the last epoch.
    pub(super) fn begin_epoch(&self, identity: &Identity) {
        self.refused.store(u64::MAX, Ordering::Relaxed);
        self.mark(identity.digest(), Some(&identity.name));
    }

    pub(super) fn holds(&self, place: &Place) -> bool {
        self.path(place).exists()
    }

    pub(super) fn get(&self, place: &Place, counters: &Counters) -> Option<Record> {
        self.mark(place.dataset, None);
        let path = self.path(place);
        match read_entry(&map_file(&path).ok()?, place.origin) {
            Found::Record(record) => Some(record),
            Found::Other => None, // it is replaced by what is fetched now
            Found::Damaged => {
                counters.damaged();
                if self.remove(&path).is_err() {
                    counters.failed_write();
                }
                None
            }
        }
    }

    pub(super) fn put(&self, place: &Place, record: &Record, counters: &Counters) {
        let Some(entry) = Entry::new(place.origin, record) else { return };
        if entry.len() < self.refused.load(Ordering::Relaxed) && self.write(place, &entry).is_err() {
            counters.failed_write();
        }
    }

    pub(super) fn usage(&self) -> (u64, u64) {
        (self.used.load(Ordering::Relaxed), self.limit)
    }

    /// Writes an entry if there is room. One writes at a time, so that the limit holds.
    fn write(&self, place: &Place, entry: &Entry<'_>) -> io::Result<()> {
        let path = self.path(place);
        let mut ledger = self.ledger.lock()?;
        let before = len_of(&path)?;
        if !self.has_room(&mut ledger, entry.len().saturating_sub(before), place.dataset)? {
            self.refused.fetch_min(entry.len(), Ordering::Relaxed);
            return Ok(());
        }
        let used = ledger.used();
        self.set_used(&mut ledger, (used + entry.len()).saturating_sub(before))?;
        let written = write_disposable(&path, |out| entry.write(out));
        if written.is_err() {
            self.set_used(&mut ledger, used)?;
        }
        written
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut ledger = self.ledger.lock()?;
        let freed = len_of(path)?;
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let used = ledger.used().saturating_sub(freed);
        self.set_used(&mut ledger, used)
    }

    /// Whether so many bytes fit in, if need be after others gave way.
    fn has_room(&self, ledger: &mut LockedLedger<'_>, bytes: u64, dataset: [u8; 16]) -> io::Result<bool> {
        let fits = |used: u64| used.saturating_add(bytes) <= self.limit;
        if fits(ledger.used()) {
            return Ok(true);
        }
        // The number is too high if a process died while it wrote, or if somebody deleted files.
        if self.refused.load(Ordering::Relaxed) == u64::MAX && fits(ledger.recount()?) {
            return Ok(true);
        }
        for chunk in self.idle_chunks(dataset)? {
            let freed = bytes_below(&chunk)?;
            fs::remove_dir_all(&chunk)?;
            let used = ledger.used().saturating_sub(freed);
            self.set_used(ledger, used)?;
            if fits(used) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The folders of records that nobody has used lately, those unused for longest first.
    fn idle_chunks(&self, dataset: [u8; 16]) -> io::Result<Vec<PathBuf>> {
        let own = self.dataset_folder(dataset);
        let mut idle = Vec::new();
        for folder in folders_in(&self.folder)?.into_iter().filter(|folder| *folder != own) {
            let used = fs::metadata(folder.join(MARKER))
                .and_then(|marker| marker.modified())
                .unwrap_or(SystemTime::UNIX_EPOCH);
            if used.elapsed().is_ok_and(|since| since > IDLE) {
                idle.push((used, folder));
            }
        }
        idle.sort();
        let mut chunks = Vec::new();
        for (_, folder) in idle {
            chunks.extend(folders_in(&folder)?);
        }
        Ok(chunks)
    }

    /// Tells the processes that share the folder that a data set is in use. It may fail: then it only looks unused.
    fn mark(&self, dataset: [u8; 16], name: Option<&str>) {
        let mut marked = self.marked.lock().unwrap_or_else(PoisonError::into_inner);
        if name.is_none() && marked.is_some_and(|at| at.elapsed() < MARKED_EVERY) {
            return;
        }
        *marked = Some(Instant::now());
        drop(marked);
        let path = self.dataset_folder(dataset).join(MARKER);
        let _ = match name {
            Some(name) => write_disposable(&path, |out| writeln!(out, "{name}")),
            None => File::options().append(true).open(path).and_then(|marker| marker.set_modified(SystemTime::now())),
        };
    }

    fn set_used(&self, ledger: &mut LockedLedger<'_>, used: u64) -> io::Result<()> {
        self.used.store(used, Ordering::Relaxed);
        ledger.set(used)
    }

    fn dataset_folder(&self, dataset: [u8; 16]) -> PathBuf {
        self.folder.join(format!("{:032x}", u128::from_be_bytes(dataset)))
    }

    fn path(&self, place: &Place) -> PathBuf {
        let chunk = format!("{:05}/{:08}.{ENTRY_EXTENSION}", place.index / CHUNK, place.index);
        self.dataset_folder(place.dataset).join(chunk)
    }
}

/// 0 for a file that is not there.
fn len_of(path: &Path) -> io::Result<u64> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

fn folders_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    folders.sort();
    Ok(folders)
}
