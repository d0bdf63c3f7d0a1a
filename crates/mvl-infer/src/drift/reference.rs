//! [`DriftReference`]: how figures were distributed on the data that a model was made with.

use std::io;
use std::path::{Path, PathBuf};

use mvl_core::{read_bounded, write_atomically};
use mvl_models::saved_model_in;
use serde::{Deserialize, Serialize};

use super::Bins;

/// The file beside a saved model that holds its [`DriftReference`].
pub const REFERENCE_FILE: &str = "reference.json";
/// The version of the file.
const FORMAT: u32 = 1;
/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// The most figures.
const MAX_FIGURES: usize = 64;

/// How figures of pictures and answers were distributed on the data that a model was made with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriftReference {
    /// The version of the format; 1.
    pub version: u32,
    /// The channels of a picture.
    pub channels: usize,
    /// How many pictures were looked at.
    pub rows: u64,
    /// The figures of a picture, in the order of [the module](super).
    pub inputs: Vec<Figure>,
    /// The likeliest class.
    pub classes: Figure,
    /// Its probability.
    pub confidence: Figure,
}

/// How one figure was distributed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// Its name.
    pub name: String,
    /// The bins.
    pub bins: Bins,
    /// How many pictures went into each.
    pub counts: Vec<u64>,
}

/// Why a reference cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// The file cannot be read or written.
    #[error("cannot use the reference for drift, {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is no reference.
    #[error("expected a reference for drift as `mvl models reference` writes it, got one with {what}; {path}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

impl DriftReference {
    pub(super) fn new(channels: usize, rows: u64, inputs: Vec<Figure>, classes: Figure, confidence: Figure) -> Self {
        Self { version: FORMAT, channels, rows, inputs, classes, confidence }
    }

    /// Every figure, those of pictures first.
    pub(super) fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.inputs.iter().chain([&self.classes, &self.confidence])
    }

    /// Reads the one in a saved model's folder; `None` where there is none.
    ///
    /// # Errors
    /// When the file cannot be read or is no reference.
    pub fn read(folder: &Path) -> Result<Option<Self>, ReferenceError> {
        let path = folder.join(REFERENCE_FILE);
        let wrong = |what: String| ReferenceError::Format { path: path.clone(), what };
        let bytes = match read_bounded(&path, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => return Err(wrong(error.to_string())),
            Err(source) => return Err(ReferenceError::Io { path, source }),
        };
        let reference: Self = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        match reference.problem() {
            Some(problem) => Err(wrong(problem)),
            None => Ok(Some(reference)),
        }
    }

    /// Reads the one beside a saved model, or beside the best one of a run; `None` where there is none.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn of_model(folder: &Path) -> Result<Option<Self>, ReferenceError> {
        Self::read(&saved_model_in(folder).unwrap_or_else(|| folder.to_owned()))
    }

    /// Writes it into a saved model's folder, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<PathBuf, ReferenceError> {
        let path = folder.join(REFERENCE_FILE);
        let text = serde_json::to_string_pretty(self).map_err(io::Error::other);
        let written = text.and_then(|text| write_atomically(&path, |out| writeln!(out, "{text}")));
        match written {
            Ok(()) => Ok(path),
            Err(source) => Err(ReferenceError::Io { path, source }),
        }
    }

    fn problem(&self) -> Option<String> {
        if self.version != FORMAT {
            return Some(format!("version {} instead of {FORMAT}", self.version));
        }
        if self.inputs.len() > MAX_FIGURES {
            return Some(format!("more than {MAX_FIGURES} figures"));
        }
        let names: Vec<&str> = self.inputs.iter().map(|figure| figure.name.as_str()).collect();
        let expected = super::features::names(self.channels.min(MAX_FIGURES));
        if names != expected {
            return Some(format!("the figures {names:?} instead of {expected:?}"));
        }
        self.figures().find_map(|Figure { name, bins, counts }| {
            if let Some(problem) = bins.problem() {
                return Some(format!("bins of {name:?} that are wrong: {problem}"));
            }
            let (expected, got) = (bins.count(), counts.len());
            (expected != got).then(|| format!("{got} counts of {name:?} instead of {expected}"))
        })
    }
}
