//! Our loader beside Python's, by `benches/pipelines.py`.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::Verdict;
use crate::command::{SHARED_ASSETS, root, shared_assets};

/// The loader with libjpeg-turbo against torchvision with its `DataLoader`, and against the fastest of Python's pipelines.
const TIMES_TORCHVISION: f64 = 6.0;
const TIMES_BEST_PYTHON: f64 = 2.5;
/// Each of our two loaders against its bare decoder.
const OF_BARE: f64 = 0.9;

pub(crate) fn pipelines() -> Result<Verdict> {
    if shared_assets().is_none() {
        return Ok(Verdict::skipped(SHARED_ASSETS));
    }
    let python = std::env::var("MVL_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(python)
        .arg("benches/pipelines.py")
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run Python; $MVL_PYTHON names another")?;
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    ensure!(output.status.success(), "benches/pipelines.py ended with {}", output.status);
    let row = |name: &str| -> Result<Vec<f64>> {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let line = line.with_context(|| format!("benches/pipelines.py printed no row {name:?}"))?;
        Ok(line.split_whitespace().filter_map(|word| word.parse().ok()).collect())
    };
    let turbo = row("mvl, libjpeg-turbo")?;
    let [.., torchvision, best] = turbo[..] else { anyhow::bail!("expected ratios in {turbo:?}") };
    let bare = [row("mvl / bare zune-jpeg:")?, row("mvl / bare libjpeg-turbo:")?].concat();
    let [zune, turbo] = bare[..] else { anyhow::bail!("expected two shares, got {bare:?}") };
    let figure = format!(
        "{torchvision} times torchvision, {best} times the best of Python, {zune} and {turbo} of bare zune-jpeg and libjpeg-turbo"
    );
    let holds = torchvision >= TIMES_TORCHVISION && best >= TIMES_BEST_PYTHON && zune >= OF_BARE && turbo >= OF_BARE;
    Ok(Verdict::new(figure, "6 and 2.5 times, 0.9 of each", holds))
}
