//! Exported models in onnxruntime.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::Verdict;
use crate::command::{build_program, root};

/// The table that the comparison of all names keeps up to date.
const TABLE: &str = "docs/export.md";
/// One of each kind of net: convolutions apart by channel, residual blocks, tokens, windows that follow the number of pictures.
const QUICK: [&str; 4] = ["mobilenet_v2", "resnet18", "vit_tiny_patch16_224", "swin_t"];
const GOAL: &str = "every name within 1e-4 at 1, 2 and 5 pictures, from one file";

/// Every name of the zoo, or those that the patterns in `$MVL_NAMES` are about, with random weights.
pub(crate) fn every_name() -> Result<Verdict> {
    let chosen = std::env::var("MVL_NAMES").unwrap_or_default();
    let patterns: Vec<&str> = chosen.split_whitespace().collect();
    compare(&[&["--table", TABLE], patterns.as_slice()].concat())
}

/// A few names.
pub(crate) fn some_names() -> Result<Verdict> {
    compare(&QUICK)
}

fn compare(arguments: &[&str]) -> Result<Verdict> {
    let python = std::env::var("MVL_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let known = Command::new(&python).args(["-c", "import numpy, onnxruntime"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        return Ok(Verdict::skipped("Python with onnxruntime and numpy; $MVL_PYTHON names another"));
    }
    let mvl = build_program("mvl")?;
    let mut command = Command::new(python);
    command.args(["-u", "scripts/check_onnx.py", "zoo", "--mvl"]).arg(mvl).args(arguments).current_dir(root());
    let output = command.stderr(Stdio::inherit()).output().context("cannot run scripts/check_onnx.py")?;
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    let figure = text.lines().last().unwrap_or("nothing was compared");
    Ok(Verdict::new(figure, GOAL, output.status.success()))
}
