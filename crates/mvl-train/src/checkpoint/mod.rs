//! Checkpoints: folders that hold a complete saved model and all that an exact resume needs.
//!
//! In `RUN/checkpoints`, `last` is the latest and `last.1` the one before; `best` is that of the best epoch by the run's monitor,
//! `best.1` that of the second best, `best-loss` that of the best by another figure. Each holds [`WEIGHTS_FILE`] and [`MODEL_FILE`],
//! which make a saved model, and `optimizer.bpk` and `state.json`, which make it resumable. Where weights are averaged,
//! [`WEIGHTS_FILE`] holds the average and `training.bpk` the weights that training goes on with; `slow.bpk` holds those of look-ahead. A
//! folder is replaced as one, so that a crash never leaves files of two moments together, and `state.json` knows length and
//! checksum of the others.

mod checkpoints;
mod config;
#[cfg(feature = "remote")]
mod copier;
mod file_set;
mod files;
mod leaders;
mod manifest;
#[cfg(feature = "remote")]
mod mirror;
mod snapshot;
mod writer;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::{Bytes, Device};
use mvl_core::{WEIGHTS_FILE, device_of};
use serde_json::Value;

use crate::resumable_optimizer::restoring_on;
use crate::{Moment, TrainError};
use manifest::Manifest;

pub use checkpoints::Checkpoints;
pub use config::{BestBy, CheckpointConfig, OnCheckpointError};
pub use files::CheckpointFiles;
pub use leaders::leaders;
pub use snapshot::Snapshot;
pub use writer::{CheckpointNews, CheckpointWriter};

/// The folder of the checkpoints in a run's folder.
pub const CHECKPOINTS_DIR: &str = "checkpoints";
/// File of a checkpoint that holds the optimiser, as a burn record.
pub const OPTIMIZER_FILE: &str = "optimizer.bpk";
/// The weights that are trained, where those to predict with are their average.
const TRAINING_FILE: &str = "training.bpk";
/// The slow weights of look-ahead.
const SLOW_FILE: &str = "slow.bpk";
const CHECKPOINT: &str = "checkpoint";
/// What is added to the name of a damaged checkpoint.
const DAMAGED: &str = "damaged";

/// Which checkpoint of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckpointKind {
    /// The latest.
    Last,
    /// That of the best epoch by the monitored figure.
    Best,
}

/// Where a checkpoint is kept in its run's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// As the latest, with those before it.
    Last {
        /// How many are kept in all.
        keep: usize,
    },
    /// Among the best by a figure.
    Best {
        /// The figure's name; `None` for the run's monitor.
        metric: Option<String>,
        /// The best epochs, the one of this checkpoint among them, the very best first. Checkpoints of others are removed.
        epochs: Vec<usize>,
    },
}

/// Keeps the checkpoints of one run.
#[derive(Debug, Clone)]
pub struct Checkpointer {
    folder: PathBuf,
}

/// A moment of a run, read back.
pub struct Restored<M> {
    /// Where the run stood, with the saved weights and optimiser.
    pub moment: Moment<M>,
    /// What observers wanted to be given back, by their names.
    pub observers: BTreeMap<String, Value>,
    /// What is wrong with later checkpoints that were passed over.
    pub passed_over: Vec<String>,
}

impl<M> std::fmt::Debug for Restored<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Restored").field("passed_over", &self.passed_over).finish_non_exhaustive()
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
        let kinds = [CheckpointKind::Last, CheckpointKind::Best];
        kinds.iter().any(|kind| !file_set::present(&self.path(*kind)).is_empty())
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
        let cleared = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(entries) => entries.into_iter().try_for_each(|entry| {
                let name = entry?.file_name();
                let name = name.to_string_lossy();
                let ours = ["last", "best"].iter().any(|kind| {
                    name.strip_prefix(kind).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
                });
                if ours { file_set::remove(&self.folder.join(&*name)) } else { Ok(()) }
            }),
        };
        cleared.map_err(|error| TrainError::write(CHECKPOINT, &self.folder, error))
    }

    /// Writes a checkpoint to all of these places and answers its folders. A crash on the way leaves those before it.
    ///
    /// When the disk is full, earlier ones of the latest are given up for it, but for the one before.
    ///
    /// # Errors
    /// [`TrainError::Write`].
    pub fn save(&self, snapshot: Snapshot, places: &[Place]) -> Result<Vec<PathBuf>, TrainError> {
        let epoch = snapshot.epoch();
        let files = snapshot.encode()?;
        self.save_files(&files, epoch, places)
    }

    fn save_files(&self, files: &[(&str, Bytes)], epoch: usize, places: &[Place]) -> Result<Vec<PathBuf>, TrainError> {
        let mut saved: Vec<PathBuf> = Vec::with_capacity(places.len());
        for place in places {
            let folder = self.folder_of(place);
            let put = || self.put(files, epoch, place, saved.first());
            let written = put().or_else(|error| {
                let _ = file_set::abandon(&folder); // the first error is the one to tell
                if !is_full(&error) {
                    return Err(error);
                }
                file_set::shorten(&self.path(CheckpointKind::Last), 1)?;
                put()
            });
            match written {
                Ok(path) => saved.push(path),
                Err(error) => {
                    let _ = file_set::abandon(&folder);
                    return Err(TrainError::write(CHECKPOINT, folder, error));
                }
            }
        }
        Ok(saved)
    }

    /// Writes to one place; the files of a checkpoint that was just written are shared.
    fn put(&self, files: &[(&str, Bytes)], epoch: usize, place: &Place, same: Option<&PathBuf>) -> io::Result<PathBuf> {
        let folder = self.folder_of(place);
        match same {
            Some(same) => file_set::link_new(&folder, same)?,
            None => file_set::write_new(&folder, files)?,
        }
        file_set::recover(&folder)?;
        let (rank, keep) = match place {
            Place::Last { keep } => (0, *keep),
            Place::Best { epochs, .. } => {
                drop_others(&folder, epoch, epochs)?;
                (epochs.iter().position(|known| *known == epoch).unwrap_or(0), epochs.len())
            }
        };
        let rank = rank.min(file_set::present(&folder).len());
        file_set::insert(&folder, rank, keep.max(1))?;
        Ok(file_set::at(&folder, rank))
    }

    fn folder_of(&self, place: &Place) -> PathBuf {
        match place {
            Place::Last { .. } => self.path(CheckpointKind::Last),
            Place::Best { metric: None, .. } => self.path(CheckpointKind::Best),
            Place::Best { metric: Some(metric), .. } => {
                let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
                self.folder.join(format!("best-{}", metric.chars().map(plain).collect::<String>()))
            }
        }
    }

    /// Reads the latest whole checkpoint into a moment at its run's very beginning; `None` when there is none yet. Damaged ones are set
    /// aside under another name and passed over.
    ///
    /// # Errors
    /// [`TrainError::Damaged`] when none is whole, [`TrainError::Read`], [`TrainError::OtherRun`] when the moment's identity is not the saved one,
    /// [`TrainError::Weights`].
    pub fn restore<M: Module>(&self, fresh: &Moment<M>) -> Result<Option<Restored<M>>, TrainError> {
        let latest = file_set::present(&self.path(CheckpointKind::Last));
        let best = file_set::present(&self.path(CheckpointKind::Best));
        let (mut damage, mut passed_over) = (None, Vec::new());
        for folder in latest.into_iter().chain(best) {
            match read(&folder, fresh) {
                Ok((moment, observers)) => return Ok(Some(Restored { moment, observers, passed_over })),
                Err(error @ TrainError::Damaged { .. }) => {
                    let aside = file_set::set_aside(&folder, DAMAGED);
                    let aside = aside.map_or_else(|error| error.to_string(), |path| path.display().to_string());
                    passed_over.push(format!("passed over a checkpoint and set it aside as {aside}: {error}"));
                    damage.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        damage.map_or(Ok(None), Err)
    }

    /// Opens the latest or the best checkpoint as it is, for another loop to go on from; `None` when there is none.
    ///
    /// # Errors
    /// [`TrainError::Read`], [`TrainError::Damaged`].
    pub fn files(&self, kind: CheckpointKind) -> Result<Option<CheckpointFiles>, TrainError> {
        let folder = self.path(kind);
        file_set::recover(&folder).map_err(|error| TrainError::read(CHECKPOINT, &folder, error))?;
        if folder.exists() { CheckpointFiles::open(folder).map(Some) } else { Ok(None) }
    }

    /// Reads only the weights of a checkpoint to predict with; `None` when there is none.
    ///
    /// # Errors
    /// [`TrainError::Read`], [`TrainError::Damaged`], [`TrainError::Weights`].
    pub fn load_weights<M: Module>(&self, kind: CheckpointKind, model: M) -> Result<Option<M>, TrainError> {
        let folder = self.path(kind);
        file_set::recover(&folder).map_err(|error| TrainError::read(CHECKPOINT, &folder, error))?;
        if !folder.exists() {
            return Ok(None);
        }
        Manifest::open(&folder)?.load(model, &folder, WEIGHTS_FILE).map(Some)
    }
}

/// Removes those among the best whose epochs are no longer, or again the one that is about to be written.
fn drop_others(folder: &Path, epoch: usize, epochs: &[usize]) -> io::Result<()> {
    let present = file_set::present(folder);
    let stays = |path: &PathBuf| {
        let belongs_to =
            Manifest::open(path).ok().and_then(|manifest| manifest.state.history.last().map(|last| last.epoch));
        belongs_to.is_some_and(|known| known != epoch && epochs.contains(&known))
    };
    // The very best only goes once the new one takes its place, so that a crash leaves one.
    let (kept, gone): (Vec<PathBuf>, Vec<PathBuf>) = present.into_iter().partition(stays);
    if kept.is_empty() {
        return gone.iter().skip(1).try_for_each(|path| file_set::remove(path));
    }
    gone.iter().try_for_each(|path| file_set::remove(path))?;
    for (rank, path) in kept.iter().enumerate() {
        let place = file_set::at(folder, rank);
        if *path != place {
            fs::rename(path, place)?;
        }
    }
    Ok(())
}

type Read<M> = (Moment<M>, BTreeMap<String, Value>);

/// Reads one checkpoint.
fn read<M: Module>(folder: &Path, fresh: &Moment<M>) -> Result<Read<M>, TrainError> {
    let manifest = Manifest::open(folder)?;
    let differences = manifest.state.identity.differences(&fresh.state.identity);
    if !differences.is_empty() {
        return Err(TrainError::OtherRun { differences, path: folder.to_owned() });
    }
    let mut moment = fresh.clone();
    let optimizer_bytes = manifest.read(folder, OPTIMIZER_FILE)?;
    let averaged = manifest.files.contains_key(TRAINING_FILE);
    if let (Some(average), true) = (&mut moment.average, averaged) {
        average.set_model(manifest.load(fresh.model.valid(), folder, WEIGHTS_FILE)?);
    }
    let trained = if averaged { TRAINING_FILE } else { WEIGHTS_FILE };
    moment.model = manifest.load(moment.model, folder, trained)?;
    if manifest.files.contains_key(SLOW_FILE) {
        moment.updater.set_slow_weights(manifest.load(fresh.model.valid(), folder, SLOW_FILE)?);
    }
    let optimizer = moment.updater.optimizer().clone();
    let restored = match device_of(&moment.model).map(Device::without_autodiff) {
        Some(device) => restoring_on(&device, || optimizer.from_bytes(optimizer_bytes)),
        None => optimizer.from_bytes(optimizer_bytes),
    };
    let damaged = |error: burn::store::RecordError| TrainError::damaged(error.to_string(), folder.join(OPTIMIZER_FILE));
    moment.updater.restore(restored.map_err(damaged)?, manifest.updater);
    moment.state = manifest.state;
    Ok((moment, manifest.observers))
}

/// Whether a disk, a quota or a limit on files is used up.
fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}
