//! [`ModelCache`]: a folder of fetched models with a limit.
//!
//! A model lies in a folder named by the digest of its checksums, made beside its place and renamed, so that it is there whole or not at
//! all. It is hashed whenever it is asked for. The least recently used go first; one that answers goes on, as it was read.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use mvl_store::{Digest, RetryPolicy, Sink, StoreUrl, download};

use super::checksums::Checksums;
use crate::{ServiceError, Trouble};

/// How the names of folders in the making begin.
const FETCHING: &str = ".fetching-";
/// No fetch takes so long; what is older was left behind.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// A folder of fetched models with a limit. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ModelCache {
    folder: PathBuf,
    max_bytes: u64,
    /// Held while models are fetched or removed.
    alone: Arc<Mutex<()>>,
}

impl ModelCache {
    /// A folder, made when the first model is fetched, with at most so many bytes of models; a single model may have no more either.
    pub fn new(folder: impl Into<PathBuf>, max_bytes: u64) -> Self {
        Self { folder: folder.into(), max_bytes, alone: Arc::default() }
    }

    /// The folder of a model, fetched if it is not here, verified in any case.
    pub(super) fn fetch(&self, address: &str, checksums: &Checksums) -> Result<PathBuf, ServiceError> {
        let _alone = self.alone.lock().unwrap_or_else(PoisonError::into_inner);
        let place = self.folder.join(checksums.digest.to_hex());
        let failed = |error: io::Error| {
            ServiceError::new(Trouble::Unavailable, format!("cannot keep a model in {}: {error}", place.display()))
        };
        if place.is_dir() {
            if verify(&place, checksums).is_ok() {
                let _ = File::open(&place).and_then(|folder| folder.set_modified(SystemTime::now())); // only for the order
                return Ok(place);
            }
            fs::remove_dir_all(&place).map_err(failed)?; // damaged: fetched anew
        }
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let staging = tempfile::Builder::new().prefix(FETCHING).tempdir_in(&self.folder).map_err(failed)?;
        let mut room = self.max_bytes;
        for (name, _) in &checksums.files {
            room -= self.fetch_file(address, name, &staging.path().join(name), room)?;
        }
        verify(staging.path(), checksums).map_err(|what| ServiceError::invalid(format!("{what}; {address}")))?;
        self.make_room(self.max_bytes - room).map_err(failed)?;
        let whole = staging.keep();
        fs::rename(&whole, &place).inspect_err(|_| drop(fs::remove_dir_all(&whole))).map_err(failed)?;
        Ok(place)
    }

    /// Fetches a file of at most `room` bytes, and says how many it has.
    fn fetch_file(&self, address: &str, name: &str, path: &Path, room: u64) -> Result<u64, ServiceError> {
        let failed = |error: io::Error| {
            ServiceError::new(Trouble::Unavailable, format!("cannot write {}: {error}", path.display()))
        };
        let url = StoreUrl::parse(&format!("{address}/{name}")).map_err(|error| super::invalid(&error))?;
        let mut incoming = Incoming { file: File::create(path).map_err(failed)?, bytes: 0 };
        let came = download(&url, 0, None, room, RetryPolicy::default(), &mut incoming);
        came.map_err(|error| super::unavailable(&error))?.map_err(failed)?;
        incoming.file.sync_all().map_err(failed)?;
        Ok(incoming.bytes)
    }

    /// Removes models, those first that were not used for the longest time, until so many bytes fit in; and what was left behind.
    fn make_room(&self, bytes: u64) -> io::Result<()> {
        let mut models = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let used = entry.metadata().and_then(|metadata| metadata.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if name.starts_with(FETCHING) && used.elapsed().unwrap_or_default() > ABANDONED {
                fs::remove_dir_all(entry.path())?;
            } else if format!("sha256:{name}").parse::<Digest>().is_ok() {
                models.push((used, size(&entry.path())?, entry.path()));
            }
        }
        models.sort();
        let mut held: u64 = models.iter().map(|(_, size, _)| size).sum();
        for (_, size, path) in models {
            if held.saturating_add(bytes) <= self.max_bytes {
                break;
            }
            fs::remove_dir_all(path)?;
            held -= size;
        }
        Ok(())
    }
}

/// Where a file goes.
struct Incoming {
    file: File,
    bytes: u64,
}

impl Sink for Incoming {
    fn begin(&mut self, from: u64, _total: u64, _e_tag: Option<&str>) -> io::Result<()> {
        if from != self.bytes {
            self.file.set_len(0)?;
            io::Seek::rewind(&mut self.file)?;
            self.bytes = 0;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes)
    }
}

/// Whether every file is there and as it should be.
fn verify(folder: &Path, checksums: &Checksums) -> Result<(), String> {
    for (name, expected) in &checksums.files {
        let hashed = File::open(folder.join(name)).and_then(Digest::of_reader);
        let (got, _) = hashed.map_err(|error| format!("cannot read {name}: {error}"))?;
        if got != *expected {
            return Err(format!("expected {name} with SHA-256 {}, got {}", expected.to_hex(), got.to_hex()));
        }
    }
    Ok(())
}

/// The bytes of a folder's files.
fn size(folder: &Path) -> io::Result<u64> {
    fs::read_dir(folder)?.try_fold(0, |sum, entry| Ok(sum + entry?.metadata()?.len()))
}
