//! Runs of this program's own, recorded in the workspace.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use mvl_core::{ArtifactContent, BegunRun, RecordFailure, RunBatch, RunBegin, RunRecorder, RunStatus as Recorded};

use super::Workspace;
use crate::{
    ArtifactOwner, Batch, ErrorCode, LifecycleStage, Metric, NewRun, Param, Result, Run, RunSearch, RunStatus,
    RunUpdate, Tag, TrackError,
};

/// The tag with the name by which a run is found again whose creation was not answered.
const START_ID_TAG: &str = "mvl.start_id";

/// Keeps the records of one run in a [`Workspace`]. Its methods block; another runtime's threads may call them.
#[derive(Debug)]
pub struct WorkspaceRecorder {
    workspace: Workspace,
    run_id: Option<String>,
    may_have_begun: bool,
    told: Option<Arc<OnceLock<String>>>,
}

impl Workspace {
    /// A recorder of one run.
    pub fn recorder(&self) -> WorkspaceRecorder {
        WorkspaceRecorder { workspace: self.clone(), run_id: None, may_have_begun: false, told: None }
    }

    async fn begin_run(&self, begin: RunBegin, look_first: bool) -> Result<Run> {
        if let Some(id) = &begin.resumed {
            match self.tracker.get_run(id).await {
                Ok(run) if run.info.lifecycle_stage == LifecycleStage::Active => {
                    let running = RunUpdate { status: Some(RunStatus::Running), ..RunUpdate::default() };
                    self.tracker.update_run(id, &running).await?;
                    return Ok(run);
                }
                Ok(_) => {}
                Err(error) if error.code == ErrorCode::ResourceDoesNotExist => {}
                Err(error) => return Err(error),
            }
        }
        let experiment = self.experiment(&begin.experiment).await?;
        if look_first {
            let filter = format!("tags.`{START_ID_TAG}` = '{}'", begin.start_id);
            let search = RunSearch { max_results: 1, ..RunSearch::of([experiment.clone()]).filter(filter) };
            if let Some(run) = self.tracker.search_runs(&search).await?.items.into_iter().next() {
                return Ok(run);
            }
        }
        let mut tags: Vec<Tag> = begin.tags.iter().map(|(key, value)| Tag::new(key, value)).collect();
        let user = tags.iter().find(|tag| tag.key == "mlflow.user").map(|tag| tag.value.clone()).unwrap_or_default();
        tags.push(Tag::new(START_ID_TAG, begin.start_id));
        self.tracker
            .create_run(NewRun {
                experiment_id: experiment,
                user_id: user,
                run_name: begin.run_name,
                start_time: Some(begin.time_ms as i64),
                tags,
            })
            .await
    }
}

impl WorkspaceRecorder {
    /// Puts the run's id there, once it was begun.
    #[must_use]
    pub fn telling(self, run_id: Arc<OnceLock<String>>) -> Self {
        Self { told: Some(run_id), ..self }
    }

    /// Does some work with the workspace and the run, and waits for it.
    fn with_run<T, W>(&self, work: impl FnOnce(Workspace, String) -> W) -> Result<T, RecordFailure>
    where
        T: Send + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        let run_id = self.run_id.clone().ok_or_else(|| RecordFailure::refused("no run was begun"))?;
        wait(work(self.workspace.clone(), run_id))
    }
}

impl RunRecorder for WorkspaceRecorder {
    fn place(&self) -> String {
        format!("{:?}", self.workspace.tracker.database())
    }

    fn begin(&mut self, begin: &RunBegin) -> Result<BegunRun, RecordFailure> {
        let look_first = std::mem::replace(&mut self.may_have_begun, true);
        let (workspace, begin) = (self.workspace.clone(), begin.clone());
        let run = wait(async move { workspace.begin_run(begin, look_first).await })?;
        self.run_id = Some(run.info.run_id.clone());
        if let Some(told) = &self.told {
            let _ = told.set(run.info.run_id.clone()); // a later run of the same logger's is not told
        }
        let params = run.data.params.into_iter().map(|param| (param.key, param.value)).collect();
        Ok(BegunRun { id: run.info.run_id, params })
    }

    fn log(&mut self, batch: &RunBatch<'_>) -> Result<(), RecordFailure> {
        let metric = |figure: &mvl_core::RunFigure| {
            Metric::new(figure.name.as_str(), figure.value, figure.time_ms as i64, figure.step as i64)
        };
        let batch = Batch {
            metrics: batch.figures.iter().map(metric).collect(),
            params: batch.params.iter().map(|(key, value)| Param::new(key, value)).collect(),
            tags: batch.tags.iter().map(|(key, value)| Tag::new(key, value)).collect(),
        };
        self.with_run(|workspace, run| async move { workspace.tracker.log_batch(&run, &batch).await })
    }

    fn put_artifact(&mut self, path: &str, content: ArtifactContent<'_>) -> Result<(), RecordFailure> {
        let path = path.to_owned();
        match content {
            ArtifactContent::Bytes(bytes) => {
                let bytes = Bytes::copy_from_slice(bytes);
                self.with_run(|workspace, run| async move {
                    workspace.tracker.put_artifact(&ArtifactOwner::Run(run), &path, bytes).await.map(drop)
                })
            }
            ArtifactContent::File(file) => {
                let file = file.to_owned();
                self.with_run(|workspace, run| async move {
                    workspace.tracker.put_artifact_file(&ArtifactOwner::Run(run), &path, &file, |_| {}).await.map(drop)
                })
            }
        }
    }

    fn end(&mut self, status: Recorded, time_ms: u64) -> Result<(), RecordFailure> {
        let status = match status {
            Recorded::Running => RunStatus::Running,
            Recorded::Finished => RunStatus::Finished,
            Recorded::Failed => RunStatus::Failed,
            Recorded::Killed => RunStatus::Killed,
        };
        let update = RunUpdate { status: Some(status), end_time: Some(time_ms as i64), run_name: None };
        self.with_run(|workspace, run| async move { workspace.tracker.update_run(&run, &update).await.map(drop) })
    }
}

fn wait<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T, RecordFailure> {
    let done = mvl_store::wait_for(work).map_err(|error| RecordFailure::refused(error.to_string()).or_hopeless())?;
    done.map_err(|error: TrackError| match error.code {
        ErrorCode::TemporarilyUnavailable => RecordFailure::passing(error.to_string()),
        // A database that failed may be well again.
        ErrorCode::InternalError => RecordFailure { status: Some(500), ..RecordFailure::passing(error.to_string()) },
        _ => RecordFailure::refused(error.to_string()),
    })
}
