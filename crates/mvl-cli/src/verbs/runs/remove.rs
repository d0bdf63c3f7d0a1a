//! `mvl runs delete`, `restore` and `gc`.

use std::time::Duration;

use clap::Args;
use mvl::track::ViewType;
use serde_json::json;

use super::find;
use crate::output::{Output, count, thousands};
use crate::workspace::{block, existing};

#[derive(Debug, Args)]
pub(crate) struct DeleteArguments {
    /// One run or more: `latest`, ids or how they begin, or names.
    #[arg(required = true)]
    runs: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct GcArguments {
    /// Only what was deleted, or is referred to by nothing, for so many hours.
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    older_than: u64,
}

pub(super) fn delete(arguments: DeleteArguments, output: &Output) -> anyhow::Result<()> {
    let workspace = existing()?;
    let runs = find::all(&workspace, &arguments.runs)?;
    for run in &runs {
        let (here, id) = (workspace.clone(), run.info.run_id.clone());
        block(async move { here.tracker().delete_run(&id).await })?;
    }
    let ids: Vec<_> = runs.iter().map(|run| run.info.run_id.clone()).collect();
    output.result(&ids, || {
        format!(
            "deleted {}; `mvl runs restore` takes it back, `mvl runs gc` removes it for good",
            count(ids.len(), "run")
        )
    })
}

pub(super) fn restore(arguments: DeleteArguments, output: &Output) -> anyhow::Result<()> {
    let workspace = existing()?;
    let mut ids = Vec::new();
    for wanted in &arguments.runs {
        let run = find::run(&workspace, wanted, ViewType::DeletedOnly)?;
        let (here, id) = (workspace.clone(), run.info.run_id.clone());
        block(async move { here.tracker().restore_run(&id).await })?;
        ids.push(run.info.run_id);
    }
    output.result(&ids, || format!("restored {}", count(ids.len(), "run")))
}

pub(super) fn collect(arguments: GcArguments, output: &Output) -> anyhow::Result<()> {
    let workspace = existing()?;
    let older_than = Duration::from_secs(arguments.older_than * 3_600);
    let swept = block(async move { workspace.collect_garbage(older_than).await })?;
    let (rows, blobs) = (&swept.rows, &swept.blobs);
    let told = json!({
        "runs": rows.runs, "logged_models": rows.logged_models, "experiments": rows.experiments,
        "blobs": blobs.removed, "bytes": blobs.removed_bytes, "blobs_kept": blobs.kept,
    });
    output.result(&told, || {
        format!(
            "removed {}, {} and {} bytes in {}; {} stay",
            count(rows.runs.len(), "run"),
            count(rows.experiments.len(), "experiment"),
            thousands(blobs.removed_bytes as usize),
            count(blobs.removed as usize, "file"),
            count(blobs.kept as usize, "file"),
        )
    })
}
