//! Runs recorded and watched by other people's servers: MLflow and Prometheus.

use std::process::Command;

use anyhow::{Context, Result};

use super::Verdict;
use crate::command::root;

/// What the tests print of each run that was compared, and of each job that was read.
const MLFLOW_LINE: &str = "mlflow ";
const PROMETHEUS_LINE: &str = "prometheus: ";
/// How often the tracking server is killed.
const KILLS: &str = "50";
/// Runs that the tests compare: made up, interrupted, resumed and failed, trained.
const RUNS: usize = 4;

/// Everything that a run records is read back by MLflow's own client, from a real server.
pub(crate) fn mlflow() -> Result<Verdict> {
    let (passed, compared, text) = beside_trackers(&["tracking::mlflow", "tracking::real_mlflow"], MLFLOW_LINE)?;
    let holds = passed && compared.len() == RUNS;
    let values: u64 = compared.iter().filter_map(|line| number_before(line, " values")).sum();
    if !holds {
        eprintln!("{text}");
    }
    let figure = format!("{} runs with {values} values compared by MLflow's client", compared.len());
    Ok(Verdict::new(figure, "4 runs equal, and no fault of a server loses a record", holds))
}

/// A tracking server that is killed while clients write keeps what it has acknowledged.
pub(crate) fn killed() -> Result<Verdict> {
    let arguments = ["test", "--release", "--workspace", "--test", "cli", "killed_tracking", "--", "--nocapture"];
    let output = Command::new("cargo").args(arguments).env("MVL_KILLS", KILLS).current_dir(root()).output();
    let output = output.context("cannot run cargo")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| Some(&line[line.find(&format!("{KILLS} kills: "))?..]));
    let holds = output.status.success() && line.is_some();
    if !holds {
        eprintln!("{text}{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(Verdict::new(line.unwrap_or("the test did not pass").to_owned(), "all there, none by half", holds))
}

/// A real Prometheus reads a running job, and promtool has nothing to say against its page.
pub(crate) fn prometheus() -> Result<Verdict> {
    if Command::new("promtool").arg("--version").output().is_err() {
        return Ok(Verdict::skipped("prometheus and promtool; Debian: apt-get install prometheus"));
    }
    let filters = ["tracking::prometheus", "tracking::real_prometheus"];
    let (passed, read, text) = beside_trackers(&filters, PROMETHEUS_LINE)?;
    let holds = passed && read.len() == 1;
    if !holds {
        eprintln!("{text}");
    }
    Ok(Verdict::new(format!("{} job read", read.len()), "series answered, promtool clean", holds))
}

/// Runs tests with the servers beside them: whether all passed, the lines with this beginning, and everything that was said.
fn beside_trackers(filters: &[&str], beginning: &str) -> Result<(bool, Vec<String>, String)> {
    let mut command = Command::new(root().join("scripts/with_trackers.sh"));
    command.args(["cargo", "test", "--release", "--workspace", "--quiet", "--test", "train", "--", "--nocapture"]);
    let output = command.args(filters).current_dir(root()).output().context("cannot run scripts/with_trackers.sh")?;
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    // The harness prints dots, after which a line of ours may stand.
    let lines = text.lines().map(|line| line.trim_start_matches('.'));
    let lines = lines.filter(|line| line.starts_with(beginning)).map(ToOwned::to_owned).collect();
    Ok((output.status.success() && !text.contains("skipped: "), lines, text))
}

fn number_before(line: &str, word: &str) -> Option<u64> {
    line.split_once(word)?.0.rsplit(' ').next()?.parse().ok()
}
