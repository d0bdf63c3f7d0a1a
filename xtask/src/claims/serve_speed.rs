//! How fast the service is, beside Python's servers, furnace-server and routes written by hand.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::Verdict;
use super::oip::build_furnace;
use crate::command::{SHARED_ASSETS, build_program, root, shared_assets};

/// Installs the servers and runs a command with them.
const WITH_PEERS: &str = "scripts/with_speed_peers.sh";
/// How much more we are to answer than Python's servers.
const TIMES_PEER: f64 = 1.5;
/// What the service may add to the model's time with burn, in percent.
const OVERHEAD_PERCENT: f64 = 3.0;
/// How much of a route written by hand we are to answer, in percent.
const OF_BY_HAND_PERCENT: f64 = 80.0;

/// Answers a second beside LitServe and MLServer; what batches bring.
pub(crate) fn speed() -> Result<Verdict> {
    if shared_assets().is_none() {
        return Ok(Verdict::skipped(SHARED_ASSETS));
    }
    let mvl = build_program("mvl")?;
    let mut command = Command::new(root().join(WITH_PEERS));
    command.args(["python3", "-u", "benches/serve_speed.py", "--mvl"]).arg(mvl).current_dir(root());
    let line = figures(command, "serve speed: ")?;
    let holds = ["x litserve", "x mlserver"].iter().all(|peer| before(&line, peer).is_some_and(|x| x >= TIMES_PEER));
    Ok(Verdict::new(line, "1.5 times each", holds))
}

/// What the service adds to the time of a model on burn, beyond what a route by hand needs too.
pub(crate) fn overhead() -> Result<Verdict> {
    let line = figures(bench("serve_overhead"), "serve overhead: ")?;
    let holds = [" % photos", " % tensors"].iter().all(|way| before(&line, way).is_some_and(|x| x <= OVERHEAD_PERCENT));
    Ok(Verdict::new(line, "at most 3 % of the model's time", holds))
}

/// An identity model's answers a second beside a route by hand and furnace-server.
pub(crate) fn identity() -> Result<Verdict> {
    let mut command = bench("serve_identity");
    command.env("MVL_FURNACE", build_furnace()?);
    let line = figures(command, "serve identity: ")?;
    let by_hand = before(&line, " % of the route").context("no share of the route by hand")?;
    let furnace = before(&line, "x furnace").context("no figure beside furnace-server")?;
    let holds = by_hand >= OF_BY_HAND_PERCENT && furnace > 1.0;
    Ok(Verdict::new(line, "80 % of the route by hand, more than furnace-server", holds))
}

fn bench(name: &str) -> Command {
    let mut command = Command::new("cargo");
    command.args(["bench", "--workspace", "--quiet", "--bench", name]).current_dir(root());
    command
}

/// Runs a bench, shows what it prints, and gives its line of figures, which begins so.
fn figures(mut command: Command, begins: &str) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot run {command:?}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    ensure!(output.status.success(), "the bench ended with {}", output.status);
    let line = text.lines().find_map(|line| line.strip_prefix(begins)).context("the bench said no figures")?;
    Ok(line.to_owned())
}

/// The number before these words.
fn before(line: &str, words: &str) -> Option<f64> {
    line.split_once(words)?.0.rsplit(' ').next()?.parse().ok()
}
