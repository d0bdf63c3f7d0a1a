//! `mvl runs export` and `import`.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use mvl::core::write_atomically;
use mvl::track::{PortableRun, push_run};
use mvl::train::MlflowRecorder;
use serde_json::json;

use super::find;
use crate::output::{Output, count, say, thousands};
use crate::workspace::{block, existing, open};

/// A run in one line is no longer than that.
const MAX_LINE_BYTES: u64 = 1 << 30;

#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// One run or more: `latest`, ids or how they begin, or names.
    #[arg(required = true)]
    runs: Vec<String>,
    /// Write them to this file, a run a line (JSONL).
    #[arg(long, value_name = "FILE", required_unless_present = "to")]
    out: Option<PathBuf>,
    /// Send them, with their files, to the MLflow server at this address. What was sent before is not sent twice.
    #[arg(long, value_name = "URI", conflicts_with = "out")]
    to: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// A file that `mvl runs export --out` wrote.
    file: PathBuf,
}

pub(super) fn run(arguments: ExportArguments, output: &Output) -> anyhow::Result<()> {
    let workspace = existing()?;
    let runs = find::all(&workspace, &arguments.runs)?;
    if let Some(uri) = &arguments.to {
        let mut sent = Vec::new();
        for run in &runs {
            let pushed = push_run(&workspace, &run.info.run_id, &mut MlflowRecorder::new(uri)?)?;
            let points = thousands(pushed.figures);
            say(format!(
                "{} is run {} there: {points} points, {}",
                run.info.run_name,
                pushed.run_id,
                count(pushed.files, "file")
            ));
            sent.push(json!({"run_id": run.info.run_id, "there": pushed.run_id, "points": pushed.figures, "files": pushed.files}));
        }
        return output.result(&sent, || format!("sent {}", count(sent.len(), "run")));
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

pub(super) fn import(arguments: ImportArguments, output: &Output) -> anyhow::Result<()> {
    let unreadable = || format!("cannot read {}", arguments.file.display());
    let mut reader = BufReader::new(File::open(&arguments.file).with_context(unreadable)?);
    let mut runs = Vec::new();
    loop {
        let mut line = Vec::new();
        reader.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line).with_context(unreadable)?;
        if line.is_empty() {
            break;
        }
        let number = runs.len() + 1;
        let run: PortableRun = serde_json::from_slice(&line)
            .with_context(|| format!("line {number} is no exported run; {}", arguments.file.display()))?;
        runs.push(run);
    }
    // All were read before the first is recorded: a file that is cut off leaves nothing behind.
    let workspace = open()?;
    let mut ids = Vec::new();
    for run in runs {
        let here = workspace.clone();
        ids.push(block(async move { here.import_run(&run).await })?);
    }
    output.result(&ids, || format!("imported {}", count(ids.len(), "run")))
}
