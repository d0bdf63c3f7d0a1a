//! The zoo against its reference implementations, and a family of somebody else's.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Verdict;
use crate::command::{build_program, cargo, root};

/// The table that the comparison keeps up to date.
const TABLE: &str = "docs/models.md";

/// Every name beside torchvision or timm: parameters by the reference's keys, logits and taps at two sizes, written back.
pub(crate) fn zoo() -> Result<Verdict> {
    let mvl = build_program("mvl")?;
    let python = std::env::var("MVL_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let known = Command::new(&python).args(["-c", "import torch, torchvision, timm, safetensors"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        return Ok(Verdict::skipped("Python with torch, torchvision, timm and safetensors; $MVL_PYTHON names another"));
    }
    let mut command = Command::new(python);
    command.arg("scripts/compare_zoo.py").arg("--mvl").arg(mvl).args(["--table", TABLE]).current_dir(root());
    let output = command.stderr(Stdio::inherit()).output().context("cannot run scripts/compare_zoo.py")?;
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    let figure = text.lines().last().unwrap_or("nothing was compared");
    let agree = figure.split(' ').next().and_then(|word| word.parse::<usize>().ok()).unwrap_or(0);
    Ok(Verdict::new(figure, "every name that has a reference, within 1e-4", output.status.success() && agree > 0))
}

/// The suite for backbones on every name at its full size.
pub(crate) fn zoo_conformance() -> Result<Verdict> {
    let done = cargo(&[
        "test",
        "--release",
        "--workspace",
        "--test",
        "models",
        "--",
        "--include-ignored",
        "every_name_conforms",
    ])?;
    Ok(Verdict::new(if done { "every name keeps the contract" } else { "failed" }, "every name", done))
}

/// A crate with a family of its own: listed, trained, saved, loaded and predicted with by name.
pub(crate) fn own_family() -> Result<Verdict> {
    let program = build_program("plugin-family")?;
    let run = root().join("target/prove/own-family");
    if run.exists() {
        std::fs::remove_dir_all(&run)?;
    }
    let run = run.display().to_string();
    let ask = |arguments: &[&str]| -> Result<Value> {
        let mut command = Command::new(&program);
        command.args(arguments).arg("--json").current_dir(root()).stderr(Stdio::inherit());
        let output = command.output().with_context(|| format!("cannot run {}", program.display()))?;
        ensure!(output.status.success(), "plugin-family {} ended with {}", arguments.join(" "), output.status);
        serde_json::from_slice(&output.stdout).context("--json printed something else than JSON")
    };
    let names = ask(&["models", "list", "--family", "plain"])?.as_array().map_or(0, Vec::len);
    ask(&["models", "summary", "plain3", "--in-channels", "1"])?;
    let config = ["--config", "examples/plugin_family/plain.toml", "--run-dir", run.as_str()];
    let trained = ask(&[["train"].as_slice(), &config].concat())?;
    let photo = ["predict", "--model", run.as_str(), "examples/assets/ankle_boot.png"];
    let predicted = ask(&photo)?;
    let accuracy = trained["test"]["accuracy"].as_f64().context("the run's summary has no accuracy")?;
    let label = predicted[0]["top"][0]["label"].as_str().context("the prediction has no label")?.to_owned();
    let figure = format!("{names} names, test accuracy {accuracy:.3}, an ankle boot is taken for: {label}");
    Ok(Verdict::new(figure, "three names, 0.7, an answer", names == 3 && accuracy > 0.7))
}
