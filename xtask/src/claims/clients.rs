//! The clients that public generators make of our OpenAPI document, tried on a running server.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::Verdict;
use crate::command::{build_program, root};

/// The script's status when the generators cannot be installed.
const NO_TOOLS: i32 = 69;
const NEEDS: &str = "python3, node and npm, and their registries";
const GOAL: &str = "the document is valid, and every answer has the documented status and type";

/// A Python and a TypeScript client against `mvl serve`.
pub(crate) fn clients() -> Result<Verdict> {
    let there = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !["python3", "node", "npm"].into_iter().all(there) {
        return Ok(Verdict::skipped(NEEDS));
    }
    let mvl = build_program("mvl")?;
    let mut command = Command::new(root().join("scripts/check_clients.sh"));
    command.arg(mvl).current_dir(root()).stderr(Stdio::inherit());
    let output = command.output().context("cannot run scripts/check_clients.sh")?;
    if output.status.code() == Some(NO_TOOLS) {
        return Ok(Verdict::skipped(NEEDS));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let figure = text.lines().last().unwrap_or("nothing was asked").to_owned();
    Ok(Verdict::new(figure, GOAL, output.status.success()))
}
