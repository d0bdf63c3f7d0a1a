//! The Open Inference Protocol, asked by its clients.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::Verdict;
use crate::command::{build_program, cargo, root};

/// Installs the clients and runs a command with them.
const WITH_CLIENTS: &str = "scripts/with_oip.sh";
/// The document that holds the table of servers.
const TABLE: &str = "docs/protocol.md";
/// furnace-server with models like ours.
const FURNACE: &str = "scripts/oip/furnace/Cargo.toml";
/// Below this many cases something was left out.
const CASES: usize = 600;
const GOAL: &str = "no case fails";

/// Our server alone.
pub(crate) fn ours() -> Result<Verdict> {
    judge(&results("mvl")?)
}

/// Our server, mlserver and furnace-server, by the same cases; the table in the document is written anew.
pub(crate) fn servers() -> Result<Verdict> {
    let ours = results("mvl")?;
    let verdict = judge(&ours)?;
    let (mlserver, furnace) = (results("mlserver")?, results("furnace")?);
    // That these fail cases is what the table is about.
    suite(&["--peers"], &format!("--server mlserver --binary \"$MVL_MLSERVER\" --json {}", quoted(&mlserver)))?;
    build_furnace()?;
    suite(&[], &format!("--server furnace --json {}", quoted(&furnace)))?;
    let columns = [("mvl", &ours), ("mlserver 1.7", &mlserver), ("furnace-server 0.16.2", &furnace)];
    let pairs = columns.map(|(name, file)| format!("'{name}'={}", quoted(file))).join(" ");
    ensure!(suite(&[], &format!("--table {TABLE} {pairs}"))?.0, "the table cannot be written");
    Ok(verdict)
}

/// Builds furnace-server, and says where its program is.
pub(super) fn build_furnace() -> Result<PathBuf> {
    let build =
        ["build", "--release", "--quiet", "--locked", "--manifest-path", FURNACE, "--target-dir", "target/furnace"];
    ensure!(cargo(&build)?, "furnace-server does not build");
    Ok(root().join("target/furnace/release/furnace-identity"))
}

/// Where a server's results go.
fn results(server: &str) -> Result<PathBuf> {
    let folder = root().join("target/oip-results");
    std::fs::create_dir_all(&folder).context("cannot make target/oip-results")?;
    Ok(folder.join(format!("{server}.json")))
}

fn judge(results: &Path) -> Result<Verdict> {
    let mvl = build_program("mvl")?;
    let arguments = format!("--server mvl --binary {} --json {}", quoted(&mvl), quoted(results));
    let (passed, text) = suite(&[], &arguments)?;
    let figure = text.lines().last().unwrap_or("nothing was asked").to_owned();
    let cases = figure.split_once(" cases").and_then(|(count, _)| count.parse::<usize>().ok()).unwrap_or(0);
    Ok(Verdict::new(figure, GOAL, passed && cases >= CASES))
}

/// Runs the suite: whether it ended well, and what it printed.
fn suite(before: &[&str], arguments: &str) -> Result<(bool, String)> {
    let script = format!("\"$MVL_OIP_PYTHON\" scripts/oip_conformance.py {arguments}");
    let mut command = Command::new(root().join(WITH_CLIENTS));
    command.args(before).args(["bash", "-c", &script]).current_dir(root()).stderr(Stdio::inherit());
    let output = command.output().context("cannot run scripts/with_oip.sh")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    print!("{text}");
    Ok((output.status.success(), text))
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}
