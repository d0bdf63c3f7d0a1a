//! Our tracking server beside MLflow's: the same assertions, and the same requests against the clock.

use std::process::Command;

use anyhow::{Context, Result};

use super::Verdict;
use crate::command::root;

/// What the test prints of each server that the suite was run against.
const SUITE: &str = "mlflow suite, ";
/// The fewest kinds of calls that the suite may come to.
const KINDS: u64 = 120;
/// What the bench prints at its end: `tracking server: log-batch 30.1x, search 9.2x, memory 1/14.0`.
const SPEED: &str = "tracking server: ";
/// How much faster, and how much smaller, we are to be.
const GOALS: [(&str, f64); 3] = [("log-batch ", 20.0), ("search ", 5.0), ("memory 1/", 10.0)];

/// The suite passes on both servers.
pub(crate) fn suite() -> Result<Verdict> {
    let arguments =
        ["cargo", "test", "--release", "--workspace", "--quiet", "--test", "mlflow", "--", "--nocapture", "suite::"];
    let (passed, text) = beside_trackers(&arguments)?;
    let lines: Vec<_> = text.lines().filter_map(|line| Some(line.split_once(SUITE)?.1)).collect();
    let whole = |line: &&&str| {
        number_before(line, " of ").is_some_and(|cases| number_before(line, " cases") == Some(cases))
            && number_before(line, " kinds") >= Some(KINDS)
    };
    let holds = passed && lines.len() == 2 && lines.iter().filter(whole).count() == 2;
    if !holds {
        eprintln!("{text}");
    }
    Ok(Verdict::new(lines.join("; "), "all cases on both servers, at least 120 kinds of calls", holds))
}

/// The same requests, one server after the other.
pub(crate) fn speed() -> Result<Verdict> {
    let (passed, text) = beside_trackers(&["python3", "benches/tracking_server.py"])?;
    let line = text.lines().find_map(|line| line.strip_prefix(SPEED)).unwrap_or_default();
    let reached = |(what, goal): &(&str, f64)| {
        let figure = line.split_once(what).map(|(_, rest)| rest.split([',', 'x']).next().unwrap_or_default());
        figure.and_then(|figure| figure.parse::<f64>().ok()).is_some_and(|figure| figure >= *goal)
    };
    let holds = passed && GOALS.iter().all(reached);
    if !holds {
        eprintln!("{text}");
    }
    Ok(Verdict::new(line, "log-batch 20x, search 5x, a tenth of the memory", holds))
}

/// Runs a command with `mlflow server` beside it: whether it succeeded, and everything that was said.
fn beside_trackers(arguments: &[&str]) -> Result<(bool, String)> {
    let mut command = Command::new(root().join("scripts/with_trackers.sh"));
    let output = command.args(arguments).current_dir(root()).output().context("cannot run scripts/with_trackers.sh")?;
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    Ok((output.status.success() && !text.contains("skipped: "), text))
}

fn number_before(line: &str, word: &str) -> Option<u64> {
    line.split_once(word)?.0.rsplit(' ').next()?.parse().ok()
}
