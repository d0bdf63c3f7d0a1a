//! Checkpoints: folders that hold a complete saved model and all that an exact resume needs.
//!
//! `RUN/checkpoints/last` and `RUN/checkpoints/best` each hold [`WEIGHTS_FILE`] and [`MODEL_FILE`], which make a saved
//! model, and `optimizer.bpk` and `state.json`, which make it resumable. Where weights are averaged, [`WEIGHTS_FILE`] holds the average
//! and `training.bpk` the weights that training goes on with. A folder is replaced as one, so that a crash never
//! leaves files of two moments together, and `state.json` knows length and checksum of the others.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::Bytes;
use mvl_core::{MODEL_FILE, Task, WEIGHTS_FILE, device_of};
use serde::{Deserialize, Serialize};

use crate::resumable_optimizer::restoring_on;
use crate::{RunIdentity, TrainError, TrainState, file_set};

/// The folder of the checkpoints in a run's folder.
pub const CHECKPOINTS_DIR: &str = "checkpoints";
const OPTIMIZER_FILE: &str = "optimizer.bpk";
/// The weights that are trained, where those to predict with are their average.
const TRAINING_FILE: &str = "training.bpk";
const STATE_FILE: &str = "state.json";

/// The version of the layout.
const VERSION: u32 = 1;
/// What a `state.json` may take at most; a thousand epochs with a thousand class names stay far below.
const MAX_STATE_BYTES: u64 = 64 << 20;
const CHECKPOINT: &str = "checkpoint";

/// Which checkpoint of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckpointKind {
    /// The latest.
    Last,
    /// That of the best epoch by the monitored figure.
    Best,
}

/// Keeps the checkpoints of one run.
#[derive(Debug, Clone)]
pub struct Checkpointer {
    folder: PathBuf,
}

/// A moment of a run, in bytes, ready to be written.
#[derive(Debug)]
pub struct Snapshot {
    files: Vec<(&'static str, Bytes)>,
}

/// A moment of a run, read back.
pub struct Restored<M> {
    /// The model, with the saved weights.
    pub model: M,
    /// The average of its weights, without autodiff, if there was one.
    pub average: Option<M>,
    /// The optimiser, with the saved state.
    pub optimizer: ModuleOptimizer,
    /// Where the run stood.
    pub state: TrainState,
}

impl<M> std::fmt::Debug for Restored<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Restored").field("state", &self.state).finish_non_exhaustive()
    }
}

/// What `state.json` holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    version: u32,
    files: BTreeMap<String, Mark>,
    state: TrainState,
}

/// How a file is known again.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    bytes: u64,
    checksum: String,
}

impl Mark {
    fn of(bytes: &[u8]) -> Self {
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

impl Snapshot {
    /// Takes the moment; the model and the average of its weights, if there is one, are read from their device.
    ///
    /// # Errors
    /// When the weights cannot be put into burn's format.
    pub fn take<T: Task>(
        task: &T,
        model: &T::Model,
        average: Option<&T::Model>,
        optimizer: &ModuleOptimizer,
        state: &TrainState,
    ) -> Result<Self, TrainError> {
        let failed = |what: &str, error: RecordError| TrainError::Other { what: what.to_owned(), source: error.into() };
        // `valid` first: it brings the running statistics of normalisation layers up to the last step.
        let encode = |model: &T::Model| {
            let bytes = model.valid().into_record().into_bytes();
            bytes.map_err(|error| failed("cannot encode the weights", error))
        };
        let optimizer = optimizer.into_bytes();
        let mut files = vec![
            (WEIGHTS_FILE, encode(average.unwrap_or(model))?),
            (OPTIMIZER_FILE, optimizer.map_err(|error| failed("cannot encode the optimizer", error))?),
            (MODEL_FILE, Bytes::from_bytes_vec(format!("{:#}\n", task.describe()).into_bytes())),
        ];
        if average.is_some() {
            files.push((TRAINING_FILE, encode(model)?));
        }
        let marks = files.iter().map(|(name, bytes)| ((*name).to_owned(), Mark::of(bytes))).collect();
        let manifest = Manifest { version: VERSION, files: marks, state: state.clone() };
        let manifest = serde_json::to_vec_pretty(&manifest).map_err(|error| TrainError::Other {
            what: "cannot encode the run's state".to_owned(),
            source: error.into(),
        })?;
        files.push((STATE_FILE, Bytes::from_bytes_vec(manifest)));
        Ok(Self { files })
    }
}

impl Checkpointer {
    /// The checkpoints in a run's folder, which need not be there yet.
    pub fn new(run_dir: impl AsRef<Path>) -> Self {
        Self { folder: run_dir.as_ref().join(CHECKPOINTS_DIR) }
    }

    /// The folder of a checkpoint: a complete saved model, once it is there.
    pub fn path(&self, kind: CheckpointKind) -> PathBuf {
        self.folder.join(match kind {
            CheckpointKind::Last => "last",
            CheckpointKind::Best => "best",
        })
    }

    /// Whether the run has any checkpoint.
    pub fn has_any(&self) -> bool {
        let present = |kind| {
            ["", ".old"].iter().any(|suffix| {
                let mut path = self.path(kind).into_os_string();
                path.push(suffix);
                Path::new(&path).exists()
            })
        };
        present(CheckpointKind::Last) || present(CheckpointKind::Best)
    }

    /// Makes the folder and tries to write there, so that a run fails before its first epoch and not after it.
    ///
    /// # Errors
    /// [`TrainError::Write`].
    pub fn create(&self) -> Result<(), TrainError> {
        let created = fs::create_dir_all(&self.folder).and_then(|()| tempfile::tempfile_in(&self.folder));
        created.map(drop).map_err(|error| TrainError::write(CHECKPOINT, &self.folder, error))
    }

    /// Removes all checkpoints of the run.
    ///
    /// # Errors
    /// [`TrainError::Write`].
    pub fn clear(&self) -> Result<(), TrainError> {
        for kind in [CheckpointKind::Last, CheckpointKind::Best] {
            let path = self.path(kind);
            file_set::clear(&path).map_err(|error| TrainError::write(CHECKPOINT, path, error))?;
        }
        Ok(())
    }

    /// Writes a checkpoint and answers its folder. A crash on the way leaves the one before.
    ///
    /// # Errors
    /// [`TrainError::Write`].
    pub fn save(&self, kind: CheckpointKind, snapshot: &Snapshot) -> Result<PathBuf, TrainError> {
        let path = self.path(kind);
        let files: Vec<(&str, &[u8])> = snapshot.files.iter().map(|(name, bytes)| (*name, &**bytes)).collect();
        match file_set::replace(&path, &files) {
            Ok(()) => Ok(path),
            Err(error) => Err(TrainError::write(CHECKPOINT, path, error)),
        }
    }

    /// Reads `last` into a model from [`prepare_model`](crate::prepare_model) and a fresh optimiser; `None` when there is
    /// none yet.
    ///
    /// # Errors
    /// [`TrainError::Read`], [`TrainError::Damaged`], [`TrainError::OtherRun`] when `identity` is not the saved one,
    /// [`TrainError::Weights`].
    pub fn restore<M: Module>(
        &self,
        model: M,
        optimizer: ModuleOptimizer,
        identity: &RunIdentity,
    ) -> Result<Option<Restored<M>>, TrainError> {
        let Some((folder, manifest)) = self.open(CheckpointKind::Last)? else { return Ok(None) };
        let differences = manifest.state.identity.differences(identity);
        if !differences.is_empty() {
            return Err(TrainError::OtherRun { differences, path: folder });
        }
        let optimizer_bytes = manifest.read(&folder, OPTIMIZER_FILE)?;
        let averaged = manifest.files.contains_key(TRAINING_FILE);
        let average = averaged.then(|| load_weights(model.valid(), &folder, WEIGHTS_FILE, &manifest)).transpose()?;
        let trained = if averaged { TRAINING_FILE } else { WEIGHTS_FILE };
        let model = load_weights(model, &folder, trained, &manifest)?;
        let restored = match device_of(&model) {
            Some(device) => restoring_on(&device.without_autodiff(), || optimizer.from_bytes(optimizer_bytes)),
            None => optimizer.from_bytes(optimizer_bytes),
        };
        let optimizer =
            restored.map_err(|error| TrainError::damaged(error.to_string(), folder.join(OPTIMIZER_FILE)))?;
        Ok(Some(Restored { model, average, optimizer, state: manifest.state }))
    }

    /// Reads only the weights of a checkpoint to predict with; `None` when there is none.
    ///
    /// # Errors
    /// [`TrainError::Read`], [`TrainError::Damaged`], [`TrainError::Weights`].
    pub fn load_weights<M: Module>(&self, kind: CheckpointKind, model: M) -> Result<Option<M>, TrainError> {
        let Some((folder, manifest)) = self.open(kind)? else { return Ok(None) };
        load_weights(model, &folder, WEIGHTS_FILE, &manifest).map(Some)
    }

    fn open(&self, kind: CheckpointKind) -> Result<Option<(PathBuf, Manifest)>, TrainError> {
        let folder = self.path(kind);
        file_set::recover(&folder).map_err(|error| TrainError::read(CHECKPOINT, &folder, error))?;
        if !folder.exists() {
            return Ok(None);
        }
        let manifest = Manifest::open(&folder)?;
        Ok(Some((folder, manifest)))
    }
}

impl Manifest {
    fn open(folder: &Path) -> Result<Self, TrainError> {
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
    fn read(&self, folder: &Path, name: &str) -> Result<Bytes, TrainError> {
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
}

fn load_weights<M: Module>(model: M, folder: &Path, name: &str, manifest: &Manifest) -> Result<M, TrainError> {
    let path = folder.join(name);
    let record = ModuleRecord::from_bytes(manifest.read(folder, name)?)
        .map_err(|error| TrainError::damaged(error.to_string(), &path))?;
    model.try_load_record(record).map_err(|source| TrainError::Weights { path, source })
}

/// Reads a file of at most `limit` bytes.
fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, TrainError> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => TrainError::damaged("the file is missing", path),
        _ => TrainError::read(CHECKPOINT, path, error),
    };
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(TrainError::damaged(format!("expected at most {limit} bytes"), path));
    }
    Ok(bytes)
}
