//! What can go wrong in a training run.

use std::path::PathBuf;

use burn::store::RecordError;
use mvl_core::{BackendError, BoxError, DataError, ObserverError};

/// Why a run could not start, go on or be saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// Settings that cannot be trained with; all of them at once, each with its path.
    #[error("invalid training settings: {}", problems.join("; "))]
    Config {
        /// One line each: `optimizer.learning_rate: expected a positive number, got -1`.
        problems: Vec<String>,
    },
    /// This machine has no such device.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// A loader could not give a batch.
    #[error("cannot load {pass} data in epoch {}", epoch + 1)]
    Data {
        /// `training` or `validation`.
        pass: &'static str,
        /// The epoch, from 0.
        epoch: usize,
        /// What the loader said.
        #[source]
        source: DataError,
    },
    /// A loader without batches.
    #[error("the {pass} loader has no batches: give it more samples, or a smaller batch size")]
    NoBatches {
        /// `training` or `validation`.
        pass: &'static str,
    },
    /// A loader that gave another number of batches than it promised.
    #[error(
        "the {pass} loader promised {expected} batches an epoch and gave {}{got} in epoch {}: its \
         `batches_per_epoch` and `epoch` must agree, whatever becomes of single samples",
        if got > expected { "at least " } else { "" }, epoch + 1
    )]
    BatchCount {
        /// `training` or `validation`.
        pass: &'static str,
        /// The epoch, from 0.
        epoch: usize,
        /// Batches promised.
        expected: usize,
        /// Batches given.
        got: usize,
    },
    /// A loss or gradient that is no number any more.
    #[error(
        "the {what} became {value} in epoch {} at step {} with learning rate {learning_rate}: try a lower learning \
         rate, a longer warm-up or `gradient_clip`, and look for bad values in the data; checkpoints on disk \
         are untouched", epoch + 1, step + 1
    )]
    NotFinite {
        /// `loss` or `gradient norm`.
        what: &'static str,
        /// Its value.
        value: f64,
        /// The epoch, from 0.
        epoch: usize,
        /// The step in the epoch, from 0.
        step: usize,
        /// The learning rate of the step.
        learning_rate: f64,
    },
    /// A backward pass that reached no parameter.
    #[error(
        "no parameter got a gradient: pass the model through `prepare_model`, create the training loader on \
         `Trainer::training_device` (an autodiff device), and leave some parameters unfrozen"
    )]
    NoGradients,
    /// An observer failed, and the policy is to stop then.
    #[error("observer {name:?} failed")]
    Observer {
        /// Which.
        name: String,
        /// Its error.
        #[source]
        source: ObserverError,
    },
    /// A file or folder of the run could not be written.
    #[error(
        "cannot write {what}: check that the folder is there and yours to write to, and that the disk is not full; {}",
        path.display()
    )]
    Write {
        /// `checkpoint`, `plot` …
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// A file of the run could not be read.
    #[error("cannot read {what}; {}", path.display())]
    Read {
        /// `checkpoint`, `history` …
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// The cause.
        #[source]
        source: BoxError,
    },
    /// A checkpoint that is torn or was changed from outside.
    #[error("the checkpoint is damaged: {what}; delete its folder to start again, or put a copy in its place; {}", path.display())]
    Damaged {
        /// What is wrong with it.
        what: String,
        /// Its folder, or the file.
        path: PathBuf,
    },
    /// A checkpoint of a run with other settings or other data.
    #[error(
        "cannot resume, this is another run than the checkpoint's: {}; go back to its settings and data, or start in \
         another folder; {}", differences.join(", "), path.display()
    )]
    OtherRun {
        /// One phrase each: `seed was 1, is 2`.
        differences: Vec<String>,
        /// The checkpoint's folder.
        path: PathBuf,
    },
    /// A new run in a folder that already holds one.
    #[error("the run folder already holds checkpoints: resume it, overwrite it, or choose another folder; {}", path.display())]
    RunExists {
        /// The run's folder.
        path: PathBuf,
    },
    /// Saved weights that are not this model's.
    #[error("the saved weights do not fit the model; {}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// Which parameters, and how.
        #[source]
        source: RecordError,
    },
    /// Ctrl-C cannot be caught.
    #[error("cannot listen for Ctrl-C")]
    Signal {
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Anything else, from an extension.
    #[error("{what}")]
    Other {
        /// What happened.
        what: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
}

impl TrainError {
    /// A [`TrainError::Write`].
    pub(crate) fn write(what: &'static str, path: impl Into<PathBuf>, source: impl Into<BoxError>) -> Self {
        Self::Write { what, path: path.into(), source: source.into() }
    }

    /// A [`TrainError::Read`].
    pub(crate) fn read(what: &'static str, path: impl Into<PathBuf>, source: impl Into<BoxError>) -> Self {
        Self::Read { what, path: path.into(), source: source.into() }
    }

    /// A [`TrainError::Damaged`].
    pub(crate) fn damaged(what: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self::Damaged { what: what.into(), path: path.into() }
    }

    /// The message with its causes, in one line.
    pub fn full_message(&self) -> String {
        mvl_core::with_causes(self)
    }
}
