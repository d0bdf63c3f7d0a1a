//! Runs every example of the gallery, as CI does.

use anyhow::{Context, Result};

use crate::command::{cargo, root, run_example};

/// Runs all examples in name order; false when one fails.
pub(crate) fn run_all() -> Result<bool> {
    let manifest = std::fs::read_to_string(root().join("examples/Cargo.toml")).context("examples/Cargo.toml")?;
    let names: Vec<_> =
        manifest.lines().filter_map(|line| line.strip_prefix("path = \"")?.strip_suffix(".rs\"")).collect();
    anyhow::ensure!(!names.is_empty(), "examples/Cargo.toml names no example");
    anyhow::ensure!(cargo(&["build", "--release", "--workspace", "--examples"])?, "the examples do not build");
    let mut failed = Vec::new();
    for name in &names {
        println!("== example {name}");
        if !run_example(name, &[])? {
            failed.push(*name);
        }
    }
    println!("{} of {} examples ran", names.len() - failed.len(), names.len());
    if !failed.is_empty() {
        println!("failed: {}", failed.join(", "));
    }
    Ok(failed.is_empty())
}
