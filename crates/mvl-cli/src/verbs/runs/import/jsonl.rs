//! Runs of a file that `mvl runs export --out` wrote, one a line. Each import makes runs of its own.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::Context;
use mvl::track::PortableRun;

use crate::workspace::{block, open};

/// A run in one line is no longer than that.
const MAX_LINE_BYTES: u64 = 1 << 30;

pub(super) fn import(file: &Path) -> anyhow::Result<Vec<String>> {
    let unreadable = || format!("cannot read {}", file.display());
    let mut reader = BufReader::new(File::open(file).with_context(unreadable)?);
    let mut runs = Vec::new();
    loop {
        let mut line = Vec::new();
        reader.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line).with_context(unreadable)?;
        if line.is_empty() {
            break;
        }
        let number = runs.len() + 1;
        let run: PortableRun = serde_json::from_slice(&line)
            .with_context(|| format!("line {number} is no exported run; {}", file.display()))?;
        runs.push(run);
    }
    // All were read before the first is recorded: a file that is cut off leaves nothing behind.
    let workspace = open()?;
    let mut ids = Vec::new();
    for run in runs {
        let here = workspace.clone();
        ids.push(block(async move { here.import_run(&run).await })?);
    }
    Ok(ids)
}
