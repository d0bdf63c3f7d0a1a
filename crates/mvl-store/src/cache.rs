//! A local folder of verified blobs with a limit, shared by all processes that name it.
//!
//! An entry is a file named by its digest, written beside its place and renamed, so that it is there whole or not at all. The time of
//! a file says when it was last used; the least recently used go first. An entry is hashed when this process first opens it, and its
//! size compared each time: a damaged one is removed and fetched anew. Nothing but entries, and what broken writers left, is removed.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use mvl_core::DataError;
use tempfile::NamedTempFile;

use crate::Sink;
use crate::digest::{Digest, Hasher};
use crate::verified::{Found, Verified};

/// Entries that were handed out so lately stay, though the limit be exceeded: somebody is about to open them.
const JUST_USED: Duration = Duration::from_secs(10);
/// What a writer has left that was killed; no writer is at it for so long.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);
/// How the names of files in the making begin.
const WRITING: &str = ".writing-";
/// How much is made room for at once, as a part of the limit, so that the folder is not walked at every entry.
const ROOM: u64 = 10;

/// A folder of blobs near by. Cheap to clone.
///
/// # Example
/// ```
/// use mvl_store::{Cache, Digest};
/// let folder = tempfile::tempdir()?;
/// let cache = Cache::open(folder.path(), 10 << 30)?; // 10 GiB
/// assert!(cache.get(Digest::of(b"never fetched"))?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Cache {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    max_bytes: u64,
    verified: Verified,
    /// At least so much is there: what was there at the last walk, and what came from this process since.
    bytes: AtomicU64,
    /// What is being fetched by this process, each once.
    under_way: Mutex<HashMap<Digest, Turn>>,
}

/// Held by whoever fetches a blob; the others wait for it.
pub(crate) type Turn = Arc<tokio::sync::Mutex<()>>;

impl Cache {
    /// Opens a folder, which is made where it is missing, that holds about `max_bytes` bytes of blobs at most. A single blob may be
    /// larger than that.
    ///
    /// # Errors
    /// [`DataError::Io`] when the folder cannot be made or read.
    pub fn open(folder: impl Into<PathBuf>, max_bytes: u64) -> Result<Self, DataError> {
        let folder = std::path::absolute(folder.into()).map_err(|error| failed(Path::new("."), error))?;
        fs::create_dir_all(&folder).map_err(|error| failed(&folder, error))?;
        let (verified, bytes, under_way) = Default::default();
        let shared = Shared { folder, max_bytes, verified, bytes, under_way };
        let cache = Self { shared: Arc::new(shared) };
        cache.evict(None).map_err(|error| failed(cache.folder(), error))?;
        Ok(cache)
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// How many bytes of blobs it holds at most.
    pub fn max_bytes(&self) -> u64 {
        self.shared.max_bytes
    }

    /// How many bytes of blobs it holds now, whoever put them there.
    ///
    /// # Errors
    /// [`DataError::Io`] when the folder cannot be read.
    pub fn bytes(&self) -> Result<u64, DataError> {
        let entries = self.entries().map_err(|error| failed(self.folder(), error))?;
        Ok(entries.iter().map(|entry| entry.bytes).sum())
    }

    /// The file of a blob, verified; `None` when it is not here, or was damaged and is removed now. It counts as used.
    ///
    /// # Errors
    /// [`DataError::Io`] when it cannot be read.
    pub fn get(&self, digest: Digest) -> Result<Option<PathBuf>, DataError> {
        let path = self.path(digest);
        let found = self.shared.verified.check(&path, digest).and_then(|found| match found {
            Found::Good => {
                // A file that went in between was evicted by another process.
                Ok(File::open(&path).and_then(|file| file.set_modified(SystemTime::now())).is_ok())
            }
            Found::Missing => Ok(false),
            Found::Damaged(_) => remove(&path).map(|_| false),
        });
        Ok(found.map_err(|error| failed(&path, error))?.then_some(path))
    }

    /// A new entry, to be written.
    pub(crate) fn begin(&self, digest: Digest) -> Result<Incoming, DataError> {
        let path = self.path(digest);
        let begin = || -> io::Result<NamedTempFile> {
            let folder = path.parent().ok_or(io::ErrorKind::NotFound)?;
            fs::create_dir_all(folder)?;
            tempfile::Builder::new().prefix(WRITING).tempfile_in(folder)
        };
        let file = begin().map_err(|error| failed(&path, error))?;
        Ok(Incoming { cache: self.clone(), digest, file, hasher: Hasher::default(), bytes: 0 })
    }

    /// The turn to fetch a blob; whoever has had to wait for it looks first whether the blob is there now.
    pub(crate) fn turn(&self, digest: Digest) -> Turn {
        let mut under_way = self.shared.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.retain(|_, turn| Arc::strong_count(turn) > 1); // somebody has it or waits for it
        under_way.entry(digest).or_default().clone()
    }

    fn path(&self, digest: Digest) -> PathBuf {
        let hex = digest.to_hex();
        self.folder().join("sha256").join(&hex[..2]).join(hex)
    }

    /// Removes the least recently used until there is room, but not the one to keep.
    fn evict(&self, keep: Option<&Path>) -> io::Result<()> {
        let mut entries = self.entries()?;
        let mut bytes: u64 = entries.iter().map(|entry| entry.bytes).sum();
        let max = self.max_bytes();
        if bytes > max {
            let aim = max - max / ROOM;
            entries.sort_by_key(|entry| entry.used);
            for entry in entries.iter().filter(|entry| Some(entry.path.as_path()) != keep) {
                if bytes <= aim {
                    break;
                }
                // Another process may have used it since the walk.
                let used = entry.path.metadata().and_then(|metadata| metadata.modified());
                if used.is_ok_and(|used| used.elapsed().unwrap_or_default() < JUST_USED) {
                    continue;
                }
                remove(&entry.path)?;
                bytes -= entry.bytes;
            }
        }
        self.shared.bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// All entries. What broken writers have left is removed on the way.
    fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for folder in read_dir(&self.folder().join("sha256"))? {
            for file in read_dir(&folder.path())? {
                let Ok(metadata) = file.metadata() else { continue }; // gone
                let (name, used) = (file.file_name(), metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH));
                let Some(name) = name.to_str().filter(|_| metadata.is_file()) else { continue };
                if name.starts_with(WRITING) {
                    if used.elapsed().unwrap_or_default() > ABANDONED {
                        remove(&file.path())?;
                    }
                } else if Digest::from_hex(name).is_some() {
                    entries.push(Entry { used, bytes: metadata.len(), path: file.path() });
                }
            }
        }
        Ok(entries)
    }
}

struct Entry {
    used: SystemTime,
    bytes: u64,
    path: PathBuf,
}

/// An entry that is being written, and hashed on the way.
pub(crate) struct Incoming {
    cache: Cache,
    digest: Digest,
    file: NamedTempFile,
    hasher: Hasher,
    bytes: u64,
}

impl Incoming {
    /// Puts it in its place, and makes room for it. The inner error is the digest that the bytes have instead.
    pub(crate) fn finish(self) -> Result<Result<PathBuf, Digest>, DataError> {
        let got = self.hasher.finish();
        if got != self.digest {
            return Ok(Err(got));
        }
        let (shared, path) = (&self.cache.shared, self.cache.path(self.digest));
        let finish = || -> io::Result<()> {
            let file = self.file.persist(&path).map_err(|failure| failure.error)?;
            drop(file);
            shared.verified.note(&path, self.digest)?;
            if shared.bytes.fetch_add(self.bytes, Ordering::Relaxed) + self.bytes > shared.max_bytes {
                self.cache.evict(Some(&path))?;
            }
            Ok(())
        };
        finish().map_err(|error| failed(&path, error))?;
        Ok(Ok(path))
    }
}

impl Sink for Incoming {
    fn begin(&mut self, from: u64, _total: u64, _e_tag: Option<&str>) -> io::Result<()> {
        if from != self.bytes {
            self.file.as_file().set_len(0)?;
            io::Seek::rewind(self.file.as_file_mut())?;
            (self.hasher, self.bytes) = (Hasher::default(), 0);
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.as_file_mut().write_all(bytes)?;
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

/// What is in a folder; nothing, where there is none.
fn read_dir(path: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(path) {
        Ok(entries) => entries.collect(),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Removes a file that another process may have removed.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn failed(path: &Path, source: io::Error) -> DataError {
    DataError::Io { path: path.to_owned(), source }
}
