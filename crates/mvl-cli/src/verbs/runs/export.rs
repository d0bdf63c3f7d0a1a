//! `mvl runs export`.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use mvl::core::{RunRecorder, write_atomically};
use mvl::track::{Run, Workspace, push_run};
use mvl::train::{MlflowRecorder, TensorBoardRecorder};
use serde_json::json;

use super::find;
use crate::output::{Output, count, say, thousands};
use crate::workspace::{block, existing};

/// What `--to` says for TensorBoard.
const TENSORBOARD: &str = "tensorboard";

#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// One run or more: `latest`, ids or how they begin, or names. With `--to tensorboard`, the folder to write to comes last.
    #[arg(required = true)]
    runs: Vec<String>,
    /// Write them to this file, a run a line (JSONL).
    #[arg(long, value_name = "FILE", required_unless_present = "to")]
    out: Option<PathBuf>,
    /// Send them, with their files, to the MLflow server at this address, or `tensorboard` to write them as event files. What was
    /// sent before is not sent twice.
    #[arg(long, value_name = "URI|tensorboard", conflicts_with = "out")]
    to: Option<String>,
}

pub(super) fn run(arguments: ExportArguments, output: &Output) -> anyhow::Result<()> {
    let workspace = existing()?;
    if arguments.to.as_deref() == Some(TENSORBOARD) {
        let Some((folder, runs)) = arguments.runs.split_last().filter(|(_, runs)| !runs.is_empty()) else {
            anyhow::bail!("expected runs and then a folder, such as: mvl runs export latest --to tensorboard logs");
        };
        let runs = find::all(&workspace, runs)?;
        return send(&workspace, &runs, || Ok(TensorBoardRecorder::new(folder)), output);
    }
    let runs = find::all(&workspace, &arguments.runs)?;
    if let Some(uri) = &arguments.to {
        return send(&workspace, &runs, || Ok(MlflowRecorder::new(uri)?), output);
    }
    let out = arguments.out.context("a file to write to")?;
    let mut lines = Vec::new();
    for run in &runs {
        let (here, id) = (workspace.clone(), run.info.run_id.clone());
        let portable = block(async move { here.export_run(&id).await })?;
        lines.extend(serde_json::to_vec(&portable)?);
        lines.push(b'\n');
    }
    write_atomically(&out, |file| file.write_all(&lines)).with_context(|| format!("cannot write {}", out.display()))?;
    output.result(&json!({"runs": runs.len(), "file": out}), || {
        format!("wrote {} to {}", count(runs.len(), "run"), out.display())
    })
}

/// Sends runs to another tracker, one after the other.
fn send<R: RunRecorder>(
    workspace: &Workspace,
    runs: &[Run],
    recorder: impl Fn() -> anyhow::Result<R>,
    output: &Output,
) -> anyhow::Result<()> {
    let mut sent = Vec::new();
    for run in runs {
        let mut recorder = recorder()?;
        let pushed = push_run(workspace, &run.info.run_id, &mut recorder)?;
        let points = thousands(pushed.figures);
        let files = count(pushed.files, "file");
        say(format!("{} is run {} there: {points} points, {files}", run.info.run_name, pushed.run_id));
        recorder.take_notes().into_iter().for_each(say);
        sent.push(
            json!({"run_id": run.info.run_id, "there": pushed.run_id, "points": pushed.figures, "files": pushed.files}),
        );
    }
    output.result(&sent, || format!("sent {}", count(sent.len(), "run")))
}
