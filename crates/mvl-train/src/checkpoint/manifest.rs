//! What lies in a checkpoint's folder, and how each file is known again.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use burn::module::Module;
use burn::store::ModuleRecord;
use burn::tensor::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::CHECKPOINT;
use crate::{TrainError, TrainState, UpdaterState};

pub(super) const STATE_FILE: &str = "state.json";
/// The version of the layout.
pub(super) const VERSION: u32 = 1;
/// What a `state.json` may take at most; a thousand epochs with a thousand class names stay far below.
const MAX_STATE_BYTES: u64 = 64 << 20;

/// What `state.json` holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) version: u32,
    pub(super) files: BTreeMap<String, Mark>,
    pub(super) state: TrainState,
    /// What is kept beside the optimiser's own state.
    #[serde(default)]
    pub(super) updater: UpdaterState,
    /// What observers want back, by their names.
    #[serde(default)]
    pub(super) observers: BTreeMap<String, Value>,
}

/// How a file is known again.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    bytes: u64,
    checksum: String,
}

impl Mark {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, checksum: format!("{:016x}", checksum(bytes)) }
    }
}

/// FNV-1a over words of 8 bytes: fast, and enough against torn writes and flipped bits.
fn checksum(bytes: &[u8]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let (words, rest) = bytes.as_chunks::<8>();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    words.chain(rest.iter().map(|&byte| u64::from(byte))).fold(OFFSET ^ bytes.len() as u64, |hash, word| {
        let mixed = (hash ^ word).wrapping_mul(PRIME);
        mixed ^ (mixed >> 32)
    })
}

impl Manifest {
    pub(super) fn open(folder: &Path) -> Result<Self, TrainError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let path = folder.join(STATE_FILE);
        let bytes = read_bounded(&path, MAX_STATE_BYTES)?;
        let damaged = |error: serde_json::Error| TrainError::damaged(error.to_string(), &path);
        let Version { version } = serde_json::from_slice(&bytes).map_err(damaged)?;
        if version != VERSION {
            let what = format!("expected layout version {VERSION}, got {version}");
            return Err(TrainError::damaged(what, path));
        }
        serde_json::from_slice(&bytes).map_err(damaged)
    }

    /// Reads a file of the set and checks that it is the one that was written.
    pub(super) fn read(&self, folder: &Path, name: &str) -> Result<Bytes, TrainError> {
        let path = folder.join(name);
        let Some(mark) = self.files.get(name) else {
            return Err(TrainError::damaged(format!("{STATE_FILE} does not know {name}"), path));
        };
        let bytes = read_bounded(&path, mark.bytes)?;
        if Mark::of(&bytes) != *mark {
            let what = format!("{name} is not what was written, {} bytes with another checksum", bytes.len());
            return Err(TrainError::damaged(what, path));
        }
        Ok(Bytes::from_bytes_vec(bytes))
    }

    /// Reads weights into a model of the same kind.
    pub(super) fn load<M: Module>(&self, model: M, folder: &Path, name: &str) -> Result<M, TrainError> {
        let path = folder.join(name);
        let record = ModuleRecord::from_bytes(self.read(folder, name)?)
            .map_err(|error| TrainError::damaged(error.to_string(), &path))?;
        model.try_load_record(record).map_err(|source| TrainError::Weights { path, source })
    }
}

/// Reads a file of at most `limit` bytes.
fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, TrainError> {
    mvl_core::read_bounded(path, limit).map_err(|error| match error.kind() {
        ErrorKind::NotFound => TrainError::damaged("the file is missing", path),
        ErrorKind::FileTooLarge => TrainError::damaged(error.to_string(), path),
        _ => TrainError::read(CHECKPOINT, path, error),
    })
}
