//! MobileNetV2 behind our server and behind Python's, by `benches/serve_speed.py`.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::Verdict;
use crate::command::{SHARED_ASSETS, build_program, root, shared_assets};

/// Installs the servers and runs a command with them.
const WITH_PEERS: &str = "scripts/with_speed_peers.sh";
/// How the bench's last line begins.
const SPEED: &str = "serve speed: ";
/// How much more we are to answer than each.
const TIMES_PEER: f64 = 1.5;
/// What the server may add to the model's time with burn, in percent.
const OVERHEAD_PERCENT: f64 = 3.0;
const GOAL: &str = "1.5 times each; overhead at most 3 %";

/// Answers a second beside LitServe and MLServer, what the server adds to burn's time, what batches bring.
pub(crate) fn speed() -> Result<Verdict> {
    if shared_assets().is_none() {
        return Ok(Verdict::skipped(SHARED_ASSETS));
    }
    let mvl = build_program("mvl")?;
    let mut command = Command::new(root().join(WITH_PEERS));
    command.args(["python3", "-u", "benches/serve_speed.py", "--mvl"]).arg(mvl).current_dir(root());
    let output = command.stderr(Stdio::inherit()).output().context("cannot run scripts/with_speed_peers.sh")?;
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    ensure!(output.status.success(), "benches/serve_speed.py ended with {}", output.status);
    let line = text.lines().find_map(|line| line.strip_prefix(SPEED)).context("the bench said no figures")?;
    let before = |what: &str| -> Option<f64> { line.split(what).next()?.rsplit(' ').next()?.parse().ok() };
    let peers = ["x litserve", "x mlserver"].map(before);
    let overheads = [" % photos", " % tensors"].map(before);
    let holds = peers.iter().all(|times| times.is_some_and(|times| times >= TIMES_PEER))
        && overheads.iter().all(|percent| percent.is_some_and(|percent| percent <= OVERHEAD_PERCENT));
    Ok(Verdict::new(line, GOAL, holds))
}
