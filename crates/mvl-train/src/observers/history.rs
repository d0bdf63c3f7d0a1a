//! The run's figures as a file, one line an epoch.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use mvl_core::{Flow, ObserverError, TrainingEvent, TrainingObserver, write_atomically};

use crate::{EpochSummary, TrainError};

/// What a history may take at most: a hundred thousand epochs.
const MAX_BYTES: u64 = 64 << 20;

/// Appends each epoch to a JSON Lines file, and to the disk at once: see [`EpochSummary::to_json`] for the fields.
///
/// A fresh run begins a fresh file. A resumed one keeps the lines of the epochs before it, so that none appears twice.
#[derive(Debug, Clone)]
pub struct History {
    path: PathBuf,
}

impl History {
    /// Writes to this file, usually `history.jsonl` in the run's folder.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Reads a history back; a file that is not there is an empty one, and a torn last line is left out.
    ///
    /// # Errors
    /// [`TrainError::Read`] when it cannot be read, [`TrainError::Damaged`] when a line before the last is not one of ours.
    pub fn read(path: impl AsRef<Path>) -> Result<Vec<EpochSummary>, TrainError> {
        let path = path.as_ref();
        let read_error = |error: io::Error| TrainError::read("history", path, error);
        let text = match fs::metadata(path).map(|metadata| metadata.len()) {
            Ok(bytes) if bytes > MAX_BYTES => return Err(read_error(io::Error::other("expected at most 64 MiB"))),
            Ok(_) => fs::read_to_string(path).map_err(read_error)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(read_error(error)),
        };
        let lines: Vec<&str> = text.lines().collect();
        let mut epochs = Vec::with_capacity(lines.len());
        for (number, line) in lines.iter().enumerate() {
            match serde_json::from_str(line).ok().and_then(|value| EpochSummary::from_json(&value)) {
                Some(epoch) => epochs.push(epoch),
                None if number + 1 == lines.len() => {}
                None => {
                    return Err(TrainError::damaged(format!("line {} of the history is no epoch", number + 1), path));
                }
            }
        }
        Ok(epochs)
    }

    /// Begins the file anew, with what it held of the epochs before `epoch`.
    fn begin(&self, epoch: usize) -> Result<(), ObserverError> {
        let mut text = String::new();
        if epoch > 0 {
            let kept = Self::read(&self.path)
                .map_err(|error| ObserverError::with_source("cannot go on with the history", error))?;
            for summary in kept.iter().filter(|summary| summary.epoch < epoch) {
                text.push_str(&format!("{}\n", summary.to_json()));
            }
        }
        write_atomically(&self.path, |out| out.write_all(text.as_bytes())).map_err(|error| self.failed(error))
    }

    fn append(&self, summary: &EpochSummary) -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        file.write_all(format!("{}\n", summary.to_json()).as_bytes())?;
        file.sync_data()
    }

    fn failed(&self, error: io::Error) -> ObserverError {
        let path = self.path.display();
        ObserverError::with_source(
            format!("cannot write the history, check that the folder is yours to write to; {path}"),
            error,
        )
    }
}

impl TrainingObserver for History {
    fn name(&self) -> &str {
        "history"
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        if let TrainingEvent::RunStarted { start_epoch, .. } = event {
            self.begin(*start_epoch)?;
        } else if let Some(summary) = EpochSummary::from_event(event) {
            self.append(&summary).map_err(|error| self.failed(error))?;
        }
        Ok(Flow::Continue)
    }
}

#[cfg(test)]
mod tests {
    use mvl_core::conformance;

    use super::*;

    fn started(start_epoch: usize) -> TrainingEvent<'static> {
        TrainingEvent::RunStarted {
            epochs: 5,
            steps_per_epoch: 1,
            samples_per_epoch: 1,
            start_epoch,
            start_step: 0,
            settings: &serde_json::Value::Null,
        }
    }

    fn summary(epoch: usize) -> EpochSummary {
        let json = serde_json::json!({
            "epoch": epoch, "train": {"loss": 0.5}, "valid": null, "learning_rate": 0.1, "samples": 4,
            "train_seconds": 1.0, "seconds": 1.5,
        });
        EpochSummary::from_json(&json).expect("all fields")
    }

    fn epochs(path: &Path) -> Vec<usize> {
        History::read(path).expect("readable").iter().map(|summary| summary.epoch).collect()
    }

    #[test]
    fn no_epoch_appears_twice() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("run/history.jsonl");
        let mut history = History::new(&path);
        let mut tell = |event: &TrainingEvent<'_>| assert_eq!(history.update(event).expect("writable"), Flow::Continue);
        tell(&started(0));
        (0..3).for_each(|epoch| tell(&summary(epoch).event()));
        fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(b"{\"epoch\":3,"))
            .expect("torn");
        assert_eq!(epochs(&path), [0, 1, 2]);
        tell(&started(2)); // the checkpoint was older than the history
        assert_eq!(epochs(&path), [0, 1]);
        tell(&summary(2).event());
        assert_eq!(epochs(&path), [0, 1, 2]);
        tell(&started(0));
        assert_eq!(epochs(&path), [0; 0]);
    }

    #[test]
    fn a_strange_line_is_an_error_with_its_number() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("history.jsonl");
        fs::write(&path, format!("{}\nhello\n{}\n", summary(0).to_json(), summary(1).to_json())).expect("writable");
        let error = History::read(&path).expect_err("line 2").to_string();
        assert!(error.contains("line 2 of the history is no epoch"), "{error}");
        assert_eq!(epochs(&folder.path().join("absent.jsonl")), [0; 0]);
    }

    #[test]
    fn keeps_the_contract() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        conformance::observer(|| History::new(folder.path().join("history.jsonl")));
    }
}
