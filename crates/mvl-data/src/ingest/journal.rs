//! What an unfinished ingestion has done so far: a folder beside its shards, gone when all is done.
//!
//! A shard counts as finished when its file here is; what a kill left half-done is written again, to the same bytes.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use mvl_core::{DataError, write_atomically};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::layout::{part_folder, part_name, shard_path};
use super::plan::{PARTS, Plan};
use super::report::Skipped;
use crate::shards::{ShardIndex, cannot_write};
use crate::sources::Split;

/// The folder's name.
pub(crate) const JOURNAL_FOLDER: &str = ".ingest";
const PLAN_FILE: &str = "plan.json";
const LOCK_FILE: &str = "lock";
/// How the names of files begin that are being written.
const UNFINISHED_PREFIX: &str = ".writing-";

/// The journal of one ingestion; only one process has it at a time.
#[derive(Debug)]
pub(super) struct Journal {
    folder: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
}

/// A shard that is done.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FinishedShard {
    /// How many items it took, those that were skipped among them.
    pub(super) items: usize,
    /// How many samples are in it; without any there is no file.
    pub(super) samples: usize,
    /// The file's length.
    pub(super) bytes: u64,
    pub(super) skipped: Vec<Skipped>,
}

impl Journal {
    /// Begins one, or goes on with the one that is there; what a killed process was writing is removed.
    ///
    /// # Errors
    /// [`DataError::Format`] when the target is not empty and holds no journal, or another process has it.
    pub(super) fn open(target: &Path) -> Result<Self, DataError> {
        let folder = target.join(JOURNAL_FOLDER);
        let io = |source| DataError::Io { path: folder.clone(), source };
        let format = |what: &str| DataError::Format { path: target.to_owned(), what: what.to_owned() };
        let is_empty = fs::read_dir(target).map_or(true, |mut entries| entries.next().is_none());
        if !is_empty && !folder.is_dir() {
            return Err(format("expected a new or empty folder, or an unfinished ingestion, got other files"));
        }
        fs::create_dir_all(&folder).map_err(io)?;
        let lock = File::create(folder.join(LOCK_FILE)).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(format("another process is ingesting into this folder")),
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        for place in PARTS.map(|part| part_folder(target, part)).iter().map(PathBuf::as_path).chain([target, &folder]) {
            remove_unfinished(place).map_err(io)?;
        }
        Ok(Self { folder, _lock: lock })
    }

    /// The plan, if it was made.
    pub(super) fn plan(&self) -> Result<Option<Plan>, DataError> {
        self.read(&self.folder.join(PLAN_FILE))
    }

    pub(super) fn keep_plan(&self, plan: &Plan) -> Result<(), DataError> {
        self.write(&self.folder.join(PLAN_FILE), plan)
    }

    /// A shard that is done and whose file is as it was left.
    pub(super) fn finished(
        &self,
        target: &Path,
        part: Split,
        number: usize,
    ) -> Result<Option<FinishedShard>, DataError> {
        let Some(shard) = self.read::<FinishedShard>(&self.entry(part, number))? else { return Ok(None) };
        let path = shard_path(target, part, number);
        let as_left = || {
            let len = fs::metadata(&path).map(|file| file.len());
            len.is_ok_and(|len| len == shard.bytes) && ShardIndex::path_of(&path).is_file()
        };
        let is_good = shard.samples == 0 || as_left();
        Ok(is_good.then_some(shard))
    }

    pub(super) fn finish(&self, part: Split, number: usize, shard: &FinishedShard) -> Result<(), DataError> {
        self.write(&self.entry(part, number), shard)
    }

    /// Removes it, when all is done.
    pub(super) fn close(self) -> Result<(), DataError> {
        fs::remove_dir_all(&self.folder).map_err(|source| cannot_write(&self.folder, source))
    }

    fn entry(&self, part: Split, number: usize) -> PathBuf {
        self.folder.join(format!("{}-{number:06}.json", part_name(part)))
    }

    fn read<T: DeserializeOwned>(&self, path: &Path) -> Result<Option<T>, DataError> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|source| DataError::Io { path: path.to_owned(), source })?,
        };
        let damaged =
            |error| DataError::Format { path: path.to_owned(), what: format!("the journal is damaged: {error}") };
        serde_json::from_slice(&text).map(Some).map_err(damaged)
    }

    fn write<T: Serialize>(&self, path: &Path, value: &T) -> Result<(), DataError> {
        let text = serde_json::to_vec(value).expect("plain values are JSON");
        write_atomically(path, |out| out.write_all(&text)).map_err(|source| cannot_write(path, source))
    }
}

fn remove_unfinished(folder: &Path) -> std::io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED_PREFIX) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
