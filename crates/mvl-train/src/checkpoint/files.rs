//! A checkpoint's files, for loops other than ours.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::Bytes;
use serde_json::Value;

use super::manifest::Manifest;
use crate::{TrainError, TrainState};

/// One checkpoint, opened: what `state.json` says, and the files that it vouches for.
#[derive(Debug)]
pub struct CheckpointFiles {
    folder: PathBuf,
    manifest: Manifest,
}

impl CheckpointFiles {
    pub(super) fn open(folder: PathBuf) -> Result<Self, TrainError> {
        Ok(Self { manifest: Manifest::open(&folder)?, folder })
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Where the run stood.
    pub fn state(&self) -> &TrainState {
        &self.manifest.state
    }

    /// What observers want to be given back, by their names.
    pub fn observers(&self) -> &BTreeMap<String, Value> {
        &self.manifest.observers
    }

    /// Reads a file and checks that it is the one that was written:
    /// [`WEIGHTS_FILE`](mvl_core::WEIGHTS_FILE), [`OPTIMIZER_FILE`](crate::OPTIMIZER_FILE), or one that was
    /// [added](crate::Snapshot::with_file).
    ///
    /// # Errors
    /// [`TrainError::Damaged`], also when there is no such file, and [`TrainError::Read`].
    pub fn read(&self, name: &str) -> Result<Bytes, TrainError> {
        self.manifest.read(&self.folder, name)
    }
}
