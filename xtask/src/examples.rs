//! Runs every example of the gallery, as CI does.

use anyhow::{Context, Result};

use crate::command::{cargo, root, run_example};

/// The example outside of the workspace, whose features of burn are its own; the folder of built files is shared.
fn run_burn_learner() -> Result<bool> {
    let target = root().join("target").display().to_string();
    cargo(&["run", "--release", "--manifest-path", "examples/burn_learner/Cargo.toml", "--target-dir", &target])
}

/// Runs all examples; false when one fails.
pub(crate) fn run_all() -> Result<bool> {
    let manifest = std::fs::read_to_string(root().join("examples/Cargo.toml")).context("examples/Cargo.toml")?;
    let names: Vec<_> =
        manifest.lines().filter_map(|line| line.strip_prefix("path = \"")?.strip_suffix(".rs\"")).collect();
    anyhow::ensure!(!names.is_empty(), "examples/Cargo.toml names no example");
    anyhow::ensure!(cargo(&["build", "--release", "--workspace", "--examples"])?, "the examples do not build");
    let mut failed = Vec::new();
    println!("== example burn_learner");
    if !run_burn_learner()? {
        failed.push("burn_learner");
    }
    for name in &names {
        println!("== example {name}");
        if !run_example(name, &[])? {
            failed.push(*name);
        }
    }
    let all = names.len() + 1;
    println!("{} of {all} examples ran", all - failed.len());
    if !failed.is_empty() {
        println!("failed: {}", failed.join(", "));
    }
    Ok(failed.is_empty())
}
