//! [`DayCounts`]: how often each key asked today, in a file, so that a new process goes on counting.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use mvl_core::write_atomically;
use serde::{Deserialize, Serialize};

use super::KeyFileError;
use super::key_file::read_text;

/// The version of the format.
const VERSION: u32 = 1;

/// A file of counts, by the names of keys.
#[derive(Debug)]
pub(super) struct DayCounts {
    path: PathBuf,
    /// What the file holds.
    kept: Mutex<Counts>,
}

/// How often each key asked on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counts {
    version: u32,
    /// Days since 1970-01-01, in UTC.
    pub(super) day: u64,
    pub(super) requests: BTreeMap<String, u32>,
}

impl Counts {
    pub(super) fn new(day: u64, requests: BTreeMap<String, u32>) -> Self {
        Self { version: VERSION, day, requests }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let counts: Self =
            toml::from_str(text).map_err(|error| format!("these are no counts of requests: {}", error.message()))?;
        match counts.version {
            VERSION => Ok(counts),
            got => Err(format!("expected counts of version {VERSION}, got {got}")),
        }
    }
}

impl DayCounts {
    /// Reads a file, or begins with none where there is no file.
    pub(super) fn open(path: &Path) -> Result<Self, KeyFileError> {
        let counts = match read_text(path) {
            Ok(text) => {
                let what = |what| format!("{what}; remove the file to begin anew");
                Counts::parse(&text)
                    .map_err(|error| KeyFileError::Wrong { path: path.to_owned(), what: what(error) })?
            }
            Err(KeyFileError::File { source, .. }) if source.kind() == ErrorKind::NotFound => {
                Counts::new(0, BTreeMap::new())
            }
            Err(error) => return Err(error),
        };
        Ok(Self { path: path.to_owned(), kept: Mutex::new(counts) })
    }

    pub(super) fn kept(&self) -> Counts {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes counts, if they are others than those in the file.
    pub(super) fn keep(&self, counts: Counts) -> Result<(), KeyFileError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if *kept == counts {
            return Ok(());
        }
        let failed = |source| KeyFileError::File { path: self.path.clone(), source };
        let text = toml::to_string(&counts).map_err(|error| failed(std::io::Error::other(error)))?;
        write_atomically(&self.path, |out| out.write_all(text.as_bytes())).map_err(failed)?;
        *kept = counts;
        Ok(())
    }
}
