//! Brings entries to the tracking server.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::client::{MlflowClient, RemoteRun};
use super::entry::{Begin, Content, Entry, Figure, RunStatus};
use super::limits::MAX_METRICS;
use super::picture::png;
use crate::observers::remote::{Body, Courier, Failure, FileBody};

/// The id of the run, once there is one; the observer keeps it with checkpoints.
pub(crate) type RunId = Arc<Mutex<Option<String>>>;

/// One run's courier.
#[derive(Debug)]
pub(crate) struct MlflowCourier {
    client: MlflowClient,
    run_id: RunId,
    /// The id of the experiment, once it is known.
    experiment: Option<String>,
    run: Option<RemoteRun>,
    /// Whether a creation was tried and not answered.
    may_have_begun: bool,
    /// Whether it was said that artifacts cannot be sent.
    told_of_artifacts: bool,
    notes: Vec<String>,
}

impl MlflowCourier {
    pub(crate) fn new(client: MlflowClient, run_id: RunId) -> Self {
        Self {
            client,
            run_id,
            experiment: None,
            run: None,
            may_have_begun: false,
            told_of_artifacts: false,
            notes: Vec::new(),
        }
    }

    /// Goes on with a run, or makes one.
    fn begin(&mut self, begin: &Begin) -> Result<(), Failure> {
        let mut run = None;
        if let Some(id) = &begin.resumed {
            run = self.client.run(id)?;
            match &run {
                Some(run) => self.client.update_run(&run.id, RunStatus::Running, None)?,
                None => self.notes.push(format!("the server no longer knows run {id}; a new one was begun")),
            }
        }
        let run = match run {
            Some(run) => run,
            None => {
                let experiment = match self.experiment.take() {
                    Some(known) => known,
                    None => self.client.experiment(&begin.experiment)?,
                };
                self.experiment = Some(experiment.clone());
                let earlier = std::mem::replace(&mut self.may_have_begun, true);
                let found = if earlier { self.client.find_started(&experiment, &begin.start_id)? } else { None };
                found.map_or_else(|| self.client.create_run(&experiment, begin), Ok)?
            }
        };
        *self.run_id.lock().unwrap_or_else(PoisonError::into_inner) = Some(run.id.clone());
        self.run = Some(run);
        Ok(())
    }

    /// Parameters that the run has already are left as they are.
    fn params(&mut self, run: &RemoteRun, params: &[(String, String)]) -> Result<(), Failure> {
        let mut fresh = Vec::new();
        let mut changed = Vec::new();
        for (name, value) in params {
            match run.params.get(name) {
                None => fresh.push((name.clone(), value.clone())),
                Some(known) if known == value => {}
                Some(known) => changed.push(format!("{name} was {known:?}, is {value:?}")),
            }
        }
        if !changed.is_empty() {
            let changed = changed.join(", ");
            self.notes.push(format!("parameters of a run cannot change, the server keeps the old ones: {changed}"));
        }
        if fresh.is_empty() { Ok(()) } else { self.client.log_batch(run, &[], &fresh, &[]) }
    }

    fn artifact(&mut self, run: &RemoteRun, path: &str, content: &Content) -> Result<(), Failure> {
        let body = match content {
            Content::Bytes(bytes) => Body::Bytes(bytes.clone()),
            Content::Picture(image) => {
                let bytes = png(image).map_err(|error| Failure::refused(format!("cannot write {path}: {error}")))?;
                Body::Bytes(Bytes::from(bytes))
            }
            Content::File(file) => match FileBody::open(file) {
                Ok(file) => Body::File(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(Failure::refused(format!("cannot read {}: {error}", file.display()))),
            },
        };
        self.client.put_artifact(run, path, body).unwrap_or_else(|| {
            if !std::mem::replace(&mut self.told_of_artifacts, true) {
                let (server, place) = (self.client.server(), &run.artifacts);
                self.notes.push(format!("files are not recorded: {server} does not pass them on to {place:?}; start it with --serve-artifacts"));
            }
            Ok(())
        })
    }
}

impl Courier for MlflowCourier {
    type Parcel = Entry;

    fn load(&self, waiting: &VecDeque<Entry>) -> usize {
        let mut metrics = 0;
        let fits = |entry: &&Entry| match entry {
            Entry::Figures { metrics: more, .. } => {
                metrics += more.len();
                metrics <= MAX_METRICS
            }
            _ => false,
        };
        waiting.iter().take_while(fits).count()
    }

    fn deliver(&mut self, entries: &[Entry]) -> Result<(), Failure> {
        if let [Entry::Begin(begin)] = entries {
            return self.begin(begin).map_err(Failure::or_hopeless);
        }
        let run = self.run.clone().ok_or_else(|| Failure::refused("no run was begun"))?;
        match entries {
            [Entry::Params(params)] => self.params(&run, params),
            [Entry::Tags(tags)] => self.client.log_batch(&run, &[], &[], tags),
            [Entry::Artifact { path, content }] => self.artifact(&run, path, content),
            [Entry::End { status, time_ms }] => self.client.update_run(&run.id, *status, Some(*time_ms)),
            figures => {
                let metrics = figures.iter().flat_map(|entry| match entry {
                    Entry::Figures { metrics, .. } => metrics.as_slice(),
                    _ => &[],
                });
                self.client.log_batch(&run, &metrics.collect::<Vec<&Figure>>(), &[], &[])
            }
        }
    }

    fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }
}
