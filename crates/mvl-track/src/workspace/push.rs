//! A run that was recorded here is sent to another tracker: what a server missed while it was away, or a colleague wants to see.

use std::collections::BTreeSet;

use mvl_core::{
    ArtifactContent, MAX_FIGURES, MAX_PARAMS, RecordFailure, RunBatch, RunBegin, RunFigure, RunRecorder,
    RunStatus as Recorded,
};

use super::Workspace;
use crate::{ArtifactOwner, Result, RunStatus, TrackError};

/// The tag that says where a run was sent, and as which run there: a line for each place.
const PUSHED_TAG: &str = "mvl.pushed";

/// What was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The run's id over there.
    pub run_id: String,
    /// How many points of metrics.
    pub figures: usize,
    /// How many files.
    pub files: usize,
}

/// Sends all of a run to a recorder, and blocks until it is there. A run that was sent to the same place before is gone on with, so that
/// sending twice comes to the same as sending once.
///
/// # Errors
/// When there is no such run, or the recorder refuses something or is away.
pub fn push_run(workspace: &Workspace, run_id: &str, recorder: &mut dyn RunRecorder) -> Result<Pushed> {
    let (here, id) = (workspace.clone(), run_id.to_owned());
    let (run, experiment) = block(async move {
        let run = here.tracker().get_run(&id).await?;
        let experiment = here.tracker().get_experiment(&run.info.experiment_id).await?;
        Ok((run, experiment.name))
    })?;
    let place = recorder.place();
    let sent = run.data.tags.iter().find(|tag| tag.key == PUSHED_TAG);
    let places = sent.map_or("", |tag| tag.value.as_str());
    let resumed = places.lines().find_map(|line| line.strip_prefix(&format!("{place} "))).map(str::to_owned);
    let begin = RunBegin {
        experiment,
        run_name: Some(run.info.run_name.clone()),
        tags: run
            .data
            .tags
            .iter()
            .filter(|tag| tag.key != PUSHED_TAG)
            .map(|tag| (tag.key.clone(), tag.value.clone()))
            .collect(),
        time_ms: run.info.start_time.unwrap_or(0).max(0) as u64,
        resumed,
        start_id: run.info.run_id.clone(),
    };
    let begun = recorder.begin(&begin).map_err(refused)?;
    let (here, id, line) = (workspace.clone(), run_id.to_owned(), format!("{place} {}", begun.id));
    block(async move {
        let noted = |before: Option<&str>| {
            let others = before.unwrap_or_default().lines().filter(|other| !other.starts_with(&format!("{place} ")));
            others.chain([line.as_str()]).collect::<Vec<_>>().join("\n")
        };
        here.tracker().change_tag(&id, PUSHED_TAG, noted).await
    })?;

    let params: Vec<_> = run.data.params.iter().map(|param| (param.key.clone(), param.value.clone())).collect();
    let new: Vec<_> = params.into_iter().filter(|(key, _)| !begun.params.contains_key(key)).collect();
    for params in new.chunks(MAX_PARAMS) {
        recorder.log(&RunBatch { params, ..RunBatch::default() }).map_err(refused)?;
    }
    let mut figures = 0;
    for key in run.data.metrics.iter().map(|metric| metric.key.clone()).collect::<BTreeSet<_>>() {
        let (here, id) = (workspace.clone(), run_id.to_owned());
        let history = block(async move { here.tracker().metric_history(&id, &key, None, None).await })?;
        let points: Vec<RunFigure> = history
            .items
            .into_iter()
            .map(|point| RunFigure {
                name: point.key,
                value: point.value,
                time_ms: point.timestamp.max(0) as u64,
                step: point.step.max(0) as usize,
            })
            .collect();
        for points in points.chunks(MAX_FIGURES) {
            recorder.log(&RunBatch { figures: points, ..RunBatch::default() }).map_err(refused)?;
        }
        figures += points.len();
    }
    let files = files(workspace, run_id, recorder)?;
    let status = match run.info.status {
        RunStatus::Running | RunStatus::Scheduled => None,
        RunStatus::Finished => Some(Recorded::Finished),
        RunStatus::Failed => Some(Recorded::Failed),
        RunStatus::Killed => Some(Recorded::Killed),
    };
    if let Some(status) = status {
        recorder.end(status, run.info.end_time.unwrap_or(0).max(0) as u64).map_err(refused)?;
    }
    Ok(Pushed { run_id: begun.id, figures, files })
}

fn files(workspace: &Workspace, run_id: &str, recorder: &mut dyn RunRecorder) -> Result<usize> {
    let (here, owner) = (workspace.clone(), ArtifactOwner::Run(run_id.to_owned()));
    let all = block(async move { here.artifacts_below(&owner, "").await })?;
    for artifact in &all {
        let (here, owner, path) = (workspace.clone(), ArtifactOwner::Run(run_id.to_owned()), artifact.path.clone());
        let file = block(async move { here.fetch_artifact(&owner, &path).await })?;
        recorder.put_artifact(&artifact.path, ArtifactContent::File(&file)).map_err(refused)?;
    }
    Ok(all.len())
}

fn block<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    mvl_store::wait_for(work)?
}

fn refused(failure: RecordFailure) -> TrackError {
    TrackError::new(crate::ErrorCode::TemporarilyUnavailable, failure.what)
        .with_hint("what was sent stays there; send the run once more when the server is back")
}
