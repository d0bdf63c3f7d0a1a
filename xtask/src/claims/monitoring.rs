//! What `deploy/` holds for Prometheus and Grafana, tried on a running server.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::Verdict;
use crate::command::{build_program, root};

const GOAL: &str = "promtool clean, every request counted, every figure on the page, every rule tested";

/// promtool, a real Prometheus and Grafana's own library on a running `mvl serve`.
pub(crate) fn monitoring() -> Result<Verdict> {
    let there = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !there("promtool") || !there("prometheus") || !there("python3") {
        return Ok(Verdict::skipped("Debian's prometheus and python3"));
    }
    let mvl = build_program("mvl")?;
    let mut command = Command::new(root().join("scripts/with_grafana.sh"));
    command.arg("scripts/check_monitoring.py").arg(mvl).current_dir(root()).stderr(Stdio::inherit());
    let output = command.output().context("cannot run scripts/with_grafana.sh")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let figure = text.lines().last().unwrap_or("nothing was asked").to_owned();
    Ok(Verdict::new(figure, GOAL, output.status.success()))
}
