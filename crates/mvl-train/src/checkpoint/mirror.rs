//! Copies of checkpoints in an object store.
//!
//! Below the address, `latest/N` and `best/N` hold the files of one checkpoint each under a number that grows. `state.json` is put last, so
//! that a folder without it is none. Older ones are removed once a newer one is whole; the latest two are kept.

use std::path::Path;

use burn::tensor::Bytes;
use mvl_core::DataError;
use mvl_store::{StoreUrl, delete, files_below, put, read_object};

use super::manifest::STATE_FILE;
use super::{CHECKPOINT, Checkpointer, Place};
use crate::TrainError;

/// How many are kept of each kind.
const KEEP: usize = 2;
/// What a file may have at most.
const MAX_BYTES: u64 = 64 << 30;

/// Where checkpoints are copied to.
#[derive(Debug, Clone)]
pub(super) struct Mirror(String);

/// A checkpoint there: its number, and its files by name.
struct Copy {
    number: u64,
    files: Vec<(String, StoreUrl)>,
}

impl Mirror {
    pub(super) fn parse(address: &str) -> Result<Self, TrainError> {
        let wrong = |error: DataError| TrainError::Config { problems: vec![format!("checkpoints.mirror: {error}")] };
        let address = address.trim_end_matches('/');
        StoreUrl::parse(address).map(|_| Self(address.to_owned())).map_err(wrong)
    }

    /// Copies the files of a checkpoint as the latest of its kind, and removes older ones.
    pub(super) fn copy(&self, kind: &str, files: &[(&'static str, bytes::Bytes)]) -> Result<(), TrainError> {
        self.try_copy(kind, files).map_err(|error| TrainError::write(CHECKPOINT, &self.0, error))
    }

    fn try_copy(&self, kind: &str, files: &[(&'static str, bytes::Bytes)]) -> Result<(), DataError> {
        let copies = self.copies(kind)?;
        let number = copies.last().map_or(0, |copy| copy.number + 1);
        for (name, bytes) in files {
            put(&self.below(&format!("{kind}/{number}/{name}"))?, bytes.clone())?;
        }
        let old = copies.len().saturating_sub(KEEP - 1);
        copies[..old].iter().flat_map(|copy| &copy.files).try_for_each(|(_, url)| delete(url))
    }

    /// Brings the latest whole checkpoint into a run's folder; does nothing when there is none.
    pub(super) fn fetch(&self, checkpointer: &Checkpointer) -> Result<(), TrainError> {
        let failed = |error: DataError| TrainError::read(CHECKPOINT, &self.0, error);
        let copies = self.copies("latest").map_err(failed)?;
        let Some(copy) = copies.iter().rev().find(|copy| copy.is_whole()) else { return Ok(()) };
        let mut files: Vec<(String, Bytes)> = Vec::with_capacity(copy.files.len());
        for (name, url) in &copy.files {
            let bytes = read_object(url.clone(), MAX_BYTES).map_err(failed)?;
            files.push((name.clone(), Bytes::from_bytes_vec(bytes.to_vec())));
        }
        let files: Vec<(&str, Bytes)> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
        checkpointer.save_files(&files, 0, &[Place::Last { keep: 1 }]).map(drop)
    }

    /// The checkpoints of a kind, the oldest first.
    fn copies(&self, kind: &str) -> Result<Vec<Copy>, DataError> {
        let mut copies: Vec<Copy> = Vec::new();
        for path in files_below(&self.below(kind)?)? {
            let url = StoreUrl::parse(&path.to_string_lossy())?;
            let text = |part: Option<&std::ffi::OsStr>| part.and_then(|part| part.to_str()).map(str::to_owned);
            let number = text(path.parent().and_then(Path::file_name)).and_then(|number| number.parse().ok());
            let (Some(number), Some(name)) = (number, text(path.file_name())) else { continue };
            match copies.iter_mut().find(|copy| copy.number == number) {
                Some(copy) => copy.files.push((name, url)),
                None => copies.push(Copy { number, files: vec![(name, url)] }),
            }
        }
        copies.sort_by_key(|copy| copy.number);
        Ok(copies)
    }

    fn below(&self, path: &str) -> Result<StoreUrl, DataError> {
        StoreUrl::parse(&format!("{}/{path}", self.0))
    }
}

impl Copy {
    fn is_whole(&self) -> bool {
        self.files.iter().any(|(name, _)| name == STATE_FILE)
    }
}
