//! Runs of an MLflow tracking server: settings, tags, all points of all metrics, files. Not brought along: data sets, logged models, traces.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Context;
use mvl::track::{ArtifactOwner, PortablePoint, PortableRun, Tag, TrackError, Workspace};
use mvl::train::{MlflowReader, MlflowRun};

use crate::output::{count, say, thousands};
use crate::workspace::block;

pub(super) fn import(
    workspace: &Workspace,
    uri: &str,
    wanted: &[String],
    with_files: bool,
) -> anyhow::Result<Vec<String>> {
    let reader = MlflowReader::new(uri)?;
    let mut experiments = reader.experiments()?;
    if !wanted.is_empty() {
        for name in wanted {
            let known = experiments.iter().any(|experiment| experiment.name == *name);
            let names: Vec<&str> = experiments.iter().map(|experiment| experiment.name.as_str()).collect();
            anyhow::ensure!(known, "no experiment {name:?} on {}; there are {}", reader.server(), names.join(", "));
        }
        experiments.retain(|experiment| wanted.contains(&experiment.name));
    }
    let mut ids = Vec::new();
    for experiment in experiments {
        let runs = reader.runs(&experiment.id)?;
        if runs.is_empty() {
            continue;
        }
        let (here, name, tags) = (workspace.clone(), experiment.name.clone(), experiment.tags);
        block(async move {
            let id = here.experiment(&name).await?;
            for (key, value) in tags {
                here.tracker().set_experiment_tag(&id, &Tag::new(key, value)).await?;
            }
            Ok(())
        })
        .with_context(|| format!("cannot make the experiment {:?}", experiment.name))?;
        for run in runs {
            let doing = || format!("cannot bring run {} of {:?} here", run.id, experiment.name);
            let portable = portable(&reader, &run, &experiment.name).with_context(doing)?;
            let points: usize = portable.metrics.values().map(Vec::len).sum();
            let (here, origin) = (workspace.clone(), reader.server().to_owned());
            let id = block(async move { here.import_run_once(&portable, &origin).await }).with_context(doing)?;
            let files = if with_files { files(workspace, &reader, &run.id, &id).with_context(doing)? } else { 0 };
            let (name, points, files) = (&run.name, thousands(points), count(files, "file"));
            say(format!("{name} of {}: run {id} here, {points} points, {files}", experiment.name));
            ids.push(id);
        }
    }
    Ok(ids)
}

fn portable(reader: &MlflowReader, run: &MlflowRun, experiment: &str) -> anyhow::Result<PortableRun> {
    let mut metrics = BTreeMap::new();
    for key in &run.metrics {
        let history = reader.history(&run.id, key)?;
        let point = |point: mvl::train::MlflowPoint| PortablePoint {
            step: point.step,
            time: point.time_ms,
            value: point.value.into(),
        };
        metrics.insert(key.clone(), history.into_iter().map(point).collect());
    }
    Ok(PortableRun {
        user_id: run.user.clone(),
        status: run.status.clone(),
        start_time: run.start_time,
        end_time: run.end_time,
        params: run.params.iter().cloned().collect(),
        tags: run.tags.iter().cloned().collect(),
        metrics,
        ..PortableRun::empty(&run.id, experiment, &run.name)
    })
}

/// Brings a run's files here, those that are not here in the same size; answers how many the run has.
fn files(workspace: &Workspace, reader: &MlflowReader, there: &str, here: &str) -> anyhow::Result<usize> {
    let files = reader.files(there)?;
    let owner = ArtifactOwner::Run(here.to_owned());
    let (place, at) = (workspace.clone(), owner.clone());
    let known: BTreeMap<String, u64> = block(async move {
        let known = place.artifacts_below(&at, "").await?;
        Ok(known.into_iter().map(|file| (file.path, file.bytes)).collect())
    })?;
    for file in &files {
        if known.get(&file.path) == Some(&file.bytes) {
            continue;
        }
        let mut local = tempfile::NamedTempFile::new().context("cannot make a temporary file")?;
        let arrived = reader.download(there, file, &mut local).with_context(|| format!("file {:?}", file.path))?;
        anyhow::ensure!(arrived == file.bytes, "expected {} bytes of {:?}, got {arrived}", file.bytes, file.path);
        local.flush()?;
        let (place, at, path) = (workspace.clone(), owner.clone(), file.path.clone());
        block(async move {
            let stored = place.tracker().put_artifact_file(&at, &path, local.path(), |_| {}).await;
            stored.map(drop).map_err(|error: TrackError| error.with_hint("the file's path is the server's"))
        })?;
    }
    Ok(files.len())
}
