//! What training reaches.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use super::Verdict;
use crate::command::{mvl_json, root};

const DEMO_ACCURACY: f64 = 0.87;
const DEMO_SECONDS: f64 = 180.0;
const FULL_ACCURACY: f64 = 0.94;

fn number(value: &Value, key: &str) -> Result<f64> {
    value[key].as_f64().with_context(|| format!("no {key} in {value}"))
}

fn run_demo() -> Result<Value> {
    let out = root().join("target/prove/demo");
    mvl_json(&["demo", "--out", &out.display().to_string()])
}

pub(crate) fn demo() -> Result<Verdict> {
    let summary = run_demo()?;
    let (accuracy, seconds) = (number(&summary, "test_accuracy")?, number(&summary, "train_seconds")?);
    Ok(Verdict::new(
        format!("{accuracy:.4} after {seconds:.0} s of training"),
        "at least 0.87 in at most 180 s",
        accuracy >= DEMO_ACCURACY && seconds <= DEMO_SECONDS,
    ))
}

pub(crate) fn demo_repeats() -> Result<Verdict> {
    let accuracy = |summary: &Value| number(summary, "test_accuracy");
    let (first, second) = (accuracy(&run_demo()?)?, accuracy(&run_demo()?)?);
    Ok(Verdict::new(format!("{first} and {second}"), "equal", first == second))
}

pub(crate) fn fashion_mnist() -> Result<Verdict> {
    let folder = std::env::var_os("FASHION_MNIST").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| PathBuf::from("/usr/share/datasets/fashion-mnist"));
    if !folder.is_dir() {
        return Ok(Verdict::skipped("the four IDX files of Fashion-MNIST; set FASHION_MNIST to their folder"));
    }
    let run = root().join("target/prove/fashion_mnist");
    if Path::new(&run).exists() {
        std::fs::remove_dir_all(&run)?;
    }
    let recipe = root().join("recipes/fashion_mnist.toml");
    let [recipe, folder, run] = [recipe, folder, run].map(|path| path.display().to_string());
    let summary = mvl_json(&["train", "--config", &recipe, "--data", &folder, "--run-dir", &run])?;
    let accuracy = number(&summary["test"], "accuracy")?;
    let minutes = number(&summary, "train_seconds")? / 60.0;
    Ok(Verdict::new(format!("{accuracy:.4} after {minutes:.0} min"), "at least 0.94", accuracy >= FULL_ACCURACY))
}
