//! Brings entries to their recorder.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use mvl_core::{ArtifactContent, MAX_FIGURES, RecordFailure, RunBatch, RunBegin, RunFigure, RunRecorder};

use super::entry::{Content, Entry};
use super::picture::png;
use crate::observers::remote::Courier;

/// The id of the run, once there is one; the observer keeps it with checkpoints.
pub(crate) type RunId = Arc<Mutex<Option<String>>>;

/// One run's courier.
#[derive(Debug)]
pub(crate) struct RecordingCourier {
    recorder: Box<dyn RunRecorder>,
    run_id: RunId,
    /// The parameters that the run has, once it was begun.
    params: Option<BTreeMap<String, String>>,
    notes: Vec<String>,
}

impl RecordingCourier {
    pub(crate) fn new(recorder: Box<dyn RunRecorder>, run_id: RunId) -> Self {
        Self { recorder, run_id, params: None, notes: Vec::new() }
    }

    fn begin(&mut self, begin: &RunBegin) -> Result<(), RecordFailure> {
        let run = self.recorder.begin(begin)?;
        if let Some(earlier) = begin.resumed.as_ref().filter(|id| **id != run.id) {
            let place = self.recorder.place();
            self.notes.push(format!("{place} no longer knows run {earlier}; a new one was begun"));
        }
        *self.run_id.lock().unwrap_or_else(PoisonError::into_inner) = Some(run.id);
        self.params = Some(run.params);
        Ok(())
    }

    /// Parameters that the run has already are left as they are.
    fn params(&mut self, params: &[(String, String)]) -> Result<(), RecordFailure> {
        let mut fresh = Vec::new();
        let mut changed = Vec::new();
        for (name, value) in params {
            match self.params.as_ref().and_then(|known| known.get(name)) {
                None => fresh.push((name.clone(), value.clone())),
                Some(known) if known == value => {}
                Some(known) => changed.push(format!("{name} was {known:?}, is {value:?}")),
            }
        }
        if !changed.is_empty() {
            let changed = changed.join(", ");
            self.notes.push(format!("parameters of a run cannot change, the old ones are kept: {changed}"));
        }
        if fresh.is_empty() { Ok(()) } else { self.recorder.log(&RunBatch { params: &fresh, ..RunBatch::default() }) }
    }

    fn artifact(&mut self, path: &str, content: &Content) -> Result<(), RecordFailure> {
        match content {
            Content::Bytes(bytes) => self.recorder.put_artifact(path, ArtifactContent::Bytes(bytes)),
            Content::Picture(image) => {
                let bytes =
                    png(image).map_err(|error| RecordFailure::refused(format!("cannot write {path}: {error}")))?;
                self.recorder.put_artifact(path, ArtifactContent::Bytes(&bytes))
            }
            Content::File(file) => match file.metadata() {
                Ok(_) => self.recorder.put_artifact(path, ArtifactContent::File(file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                Err(error) => Err(RecordFailure::refused(format!("cannot read {}: {error}", file.display()))),
            },
        }
    }
}

impl Courier for RecordingCourier {
    type Parcel = Entry;

    fn load(&self, waiting: &VecDeque<Entry>) -> usize {
        let mut metrics = 0;
        let fits = |entry: &&Entry| match entry {
            Entry::Figures { metrics: more, .. } => {
                metrics += more.len();
                metrics <= MAX_FIGURES
            }
            _ => false,
        };
        waiting.iter().take_while(fits).count()
    }

    fn deliver(&mut self, entries: &[Entry]) -> Result<(), RecordFailure> {
        if let [Entry::Begin(begin)] = entries {
            return self.begin(begin).map_err(RecordFailure::or_hopeless);
        }
        if self.params.is_none() {
            return Err(RecordFailure::refused("no run was begun"));
        }
        match entries {
            [Entry::Params(params)] => self.params(params),
            [Entry::Tags(tags)] => self.recorder.log(&RunBatch { tags, ..RunBatch::default() }),
            [Entry::Artifact { path, content }] => self.artifact(path, content),
            [Entry::End { status, time_ms }] => self.recorder.end(*status, *time_ms),
            figures => {
                let figures = figures.iter().flat_map(|entry| match entry {
                    Entry::Figures { metrics, .. } => metrics.as_slice(),
                    _ => &[],
                });
                let figures: Vec<RunFigure> = figures.cloned().collect();
                self.recorder.log(&RunBatch { figures: &figures, ..RunBatch::default() })
            }
        }
    }

    fn take_notes(&mut self) -> Vec<String> {
        let mut notes = std::mem::take(&mut self.notes);
        notes.extend(self.recorder.take_notes());
        notes
    }
}
