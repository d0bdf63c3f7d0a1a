//! `mvl data repair`: are these shards whole, and if not, what of them can be kept?

use std::path::PathBuf;

use clap::Args;
use mvl::data::{DamagedSample, find_shards, repair_shard, verify_shards};
use serde::Serialize;

use crate::arguments::Outcome;
use crate::output::{Output, count};

/// Compares the checksums of all samples, rewrites shards without those that are damaged, and makes lost or broken indices anew.
///
/// What is dropped is gone from the shard, so look with --check first, and keep a copy of what cannot be made again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mvl data repair --check packed/            what is damaged? exit code 1 if anything is
  mvl data repair packed/train/shard-000003.tar")]
pub(crate) struct RepairArguments {
    /// Shards, or folders with shards below them.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// List what is damaged and change nothing.
    #[arg(long)]
    check: bool,
}

/// What was found, and what became of it.
#[derive(Debug, Serialize)]
struct Found {
    shards: usize,
    damaged: Vec<DamagedSample>,
    /// The shards whose index was made anew.
    indices_rebuilt: Vec<PathBuf>,
}

pub(super) fn run(arguments: RepairArguments, output: &Output) -> anyhow::Result<Outcome> {
    let mut shards = Vec::new();
    for path in &arguments.paths {
        shards.extend(find_shards(path)?);
    }
    let mut found = Found { shards: shards.len(), damaged: Vec::new(), indices_rebuilt: Vec::new() };
    if arguments.check {
        found.damaged = verify_shards(&shards)?;
    } else {
        for shard in shards {
            let repair = repair_shard(&shard)?;
            found.damaged.extend(repair.dropped);
            found.indices_rebuilt.extend(repair.index_rebuilt.then_some(shard));
        }
    }
    output.result(&found, || describe(&found, arguments.check))?;
    let damaged = count(found.damaged.len(), "sample");
    anyhow::ensure!(!arguments.check || found.damaged.is_empty(), "{damaged} damaged");
    Ok(Outcome::Done)
}

fn describe(found: &Found, check: bool) -> String {
    let done = if check { "damaged" } else { "dropped" };
    let mut lines = vec![format!("{}, {} {done}", count(found.shards, "shard"), count(found.damaged.len(), "sample"))];
    lines.extend(found.damaged.iter().map(|sample| {
        let key = sample.key.as_ref().map(|key| format!(" {key:?}")).unwrap_or_default();
        format!("{done}{key} at byte {}: {}; {}", sample.offset, sample.what, sample.shard.display())
    }));
    lines.extend(found.indices_rebuilt.iter().map(|shard| format!("made the index of {}", shard.display())));
    lines.join("\n")
}
