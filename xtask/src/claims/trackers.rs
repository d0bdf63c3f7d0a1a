//! Runs recorded and watched by other people's servers: MLflow and Prometheus.

use std::process::Command;

use anyhow::{Context, Result};

use super::Verdict;
use crate::command::root;

/// What the tests print of each run that was compared, and of each job that was read.
const MLFLOW_LINE: &str = "mlflow ";
const PROMETHEUS_LINE: &str = "prometheus: ";
/// How often the tracking server is killed, and how often its clients on each database.
const KILLS: &str = "50";
/// How often two processes promote the same alias on each database.
const PROMOTIONS: &str = "200";
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

/// A tracking server that is killed while clients write keeps what it has acknowledged; so does a database whose clients are killed, and
/// of two processes that promote one alias one succeeds.
pub(crate) fn killed() -> Result<Verdict> {
    let server = ["--test", "cli", "killed_tracking", "--", "--nocapture"];
    let (served, server) = killing(&[], &server, &[&format!("{KILLS} kills: ")])?;
    let clients = ["--test", "crash", "--test", "promotion", "--", "--nocapture"];
    let lines = ["clients on SQLite: ", "clients on Postgres: ", "promotions on SQLite: ", "promotions on Postgres: "];
    let (survived, clients) = killing(&["scripts/with_postgres.sh"], &clients, &lines)?;
    if clients.len() == lines.len() / 2 && survived {
        return Ok(Verdict::skipped("Postgres; Debian: apt-get install postgresql"));
    }
    let holds = served && survived && server.len() == 1 && clients.len() == lines.len();
    let figure = format!("server: {}", server.into_iter().chain(clients).collect::<Vec<_>>().join("; "));
    Ok(Verdict::new(figure, "all there, none by half, one promotion a round", holds))
}

/// Runs tests that kill: whether they passed, and of the lines that they print those that begin so.
fn killing(before: &[&str], tests: &[&str], beginnings: &[&str]) -> Result<(bool, Vec<String>)> {
    let words: Vec<&str> = [before, &["cargo", "test", "--release", "--workspace"], tests].concat();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).env("MVL_KILLS", KILLS).env("MVL_PROMOTIONS", PROMOTIONS).current_dir(root());
    let output = command.output().context("cannot run cargo")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = |beginning: &&str| text.lines().find_map(|line| Some(line[line.find(beginning)?..].to_owned()));
    let found: Vec<String> = beginnings.iter().filter_map(line).collect();
    if !output.status.success() {
        eprintln!("{text}{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok((output.status.success(), found))
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
