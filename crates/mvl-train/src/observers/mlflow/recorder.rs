//! A run on an MLflow tracking server.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use mvl_core::{ArtifactContent, BegunRun, ObserverError, RecordFailure, RunBatch, RunBegin, RunRecorder, RunStatus};

use super::address::{self, Credentials};
use super::client::{MlflowClient, RemoteRun};
use crate::observers::remote::{Body, FileBody};

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Keeps the records of a run on an MLflow tracking server.
///
/// Who we are is read from the variables that MLflow's own clients read: `MLFLOW_TRACKING_USERNAME` with
/// `MLFLOW_TRACKING_PASSWORD`, `MLFLOW_TRACKING_TOKEN`.
#[derive(Debug)]
pub struct MlflowRecorder {
    client: MlflowClient,
    /// The id of the experiment, once it is known.
    experiment: Option<String>,
    run: Option<RemoteRun>,
    /// Whether a creation was tried and not answered.
    may_have_begun: bool,
    /// Whether it was said that artifacts cannot be sent.
    told_of_artifacts: bool,
    notes: Vec<String>,
}

impl MlflowRecorder {
    /// For the server at this address, whose requests take at most 30 s.
    ///
    /// # Errors
    /// When that is no `http://` or `https://` address. Whether a server is there shows when the run begins.
    pub fn new(tracking_uri: &str) -> Result<Self, ObserverError> {
        Self::with_timeout(tracking_uri, TIMEOUT)
    }

    /// The same; one request takes at most `timeout`.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn with_timeout(tracking_uri: &str, timeout: Duration) -> Result<Self, ObserverError> {
        let root = address::parse(tracking_uri)?;
        Ok(Self {
            client: MlflowClient::new(root, Credentials::from_environment(), timeout)?,
            experiment: None,
            run: None,
            may_have_begun: false,
            told_of_artifacts: false,
            notes: Vec::new(),
        })
    }

    /// For the server that `MLFLOW_TRACKING_URI` names.
    ///
    /// # Errors
    /// When it is not set, or no `http://` or `https://` address.
    pub fn from_environment() -> Result<Self, ObserverError> {
        Self::new(address::from_environment()?.as_str())
    }

    fn run(&self) -> Result<RemoteRun, RecordFailure> {
        self.run.clone().ok_or_else(|| RecordFailure::refused("no run was begun"))
    }
}

impl RunRecorder for MlflowRecorder {
    fn place(&self) -> String {
        self.client.server().to_owned()
    }

    fn begin(&mut self, begin: &RunBegin) -> Result<BegunRun, RecordFailure> {
        let mut run = None;
        if let Some(id) = &begin.resumed {
            run = self.client.run(id)?;
            if let Some(run) = &run {
                self.client.update_run(&run.id, RunStatus::Running, None)?;
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
        let RemoteRun { id, params, .. } = self.run.insert(run).clone();
        Ok(BegunRun { id, params: params.into_iter().collect::<BTreeMap<_, _>>() })
    }

    fn log(&mut self, batch: &RunBatch<'_>) -> Result<(), RecordFailure> {
        self.client.log_batch(&self.run()?, batch)
    }

    fn put_artifact(&mut self, path: &str, content: ArtifactContent<'_>) -> Result<(), RecordFailure> {
        let body = match content {
            ArtifactContent::Bytes(bytes) => Body::Bytes(Bytes::copy_from_slice(bytes)),
            ArtifactContent::File(file) => {
                let opened = FileBody::open(file);
                Body::File(
                    opened
                        .map_err(|error| RecordFailure::refused(format!("cannot read {}: {error}", file.display())))?,
                )
            }
        };
        let run = self.run()?;
        self.client.put_artifact(&run, path, body).unwrap_or_else(|| {
            if !std::mem::replace(&mut self.told_of_artifacts, true) {
                let (server, place) = (self.client.server(), &run.artifacts);
                self.notes.push(format!("files are not recorded: {server} does not pass them on to {place:?}; start it with --serve-artifacts"));
            }
            Ok(())
        })
    }

    fn end(&mut self, status: RunStatus, time_ms: u64) -> Result<(), RecordFailure> {
        self.client.update_run(&self.run()?.id, status, Some(time_ms))
    }

    fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }
}
