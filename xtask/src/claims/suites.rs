//! Claims that a test or an example shows.

use anyhow::{Context, Result};

use super::Verdict;
use crate::command::{SHARED_ASSETS, run_example, shared_assets};

/// Runs the tests of one integration test target whose names contain one of `filters`. Fewer tests than
/// filters is a failure.
fn tests(target: &str, filters: &[&str]) -> Result<Verdict> {
    let mut command = std::process::Command::new("cargo");
    command.args(["test", "--release", "--workspace", "--quiet"]);
    command.args(["--test", target, "--"]).args(filters).current_dir(crate::command::root());
    let output = command.output().context("cannot run cargo test")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let passed: usize = text
        .lines()
        .filter_map(|line| {
            line.strip_prefix("test result: ")?.split(". ").nth(1)?.split(' ').next()?.parse::<usize>().ok()
        })
        .sum();
    if !output.status.success() {
        eprintln!("{text}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(Verdict::new(
        format!("{passed} tests passed"),
        "all, and some",
        output.status.success() && passed >= filters.len(),
    ))
}

pub(crate) fn golden_logits() -> Result<Verdict> {
    if shared_assets().is_none() {
        return Ok(Verdict::skipped(SHARED_ASSETS));
    }
    tests("models", &["golden_logits"])
}

pub(crate) fn losses() -> Result<Verdict> {
    tests("models", &["losses"])
}

pub(crate) fn metrics() -> Result<Verdict> {
    tests("goldens", &["classification", "segmentation", "detection", "retrieval"])
}

pub(crate) fn optimization() -> Result<Verdict> {
    tests("train", &["schedules", "optimizers", "clipping", "accumulating"])
}

pub(crate) fn torchvision_logits() -> Result<Verdict> {
    tests("models", &["torchvision"])
}

pub(crate) fn capture() -> Result<Verdict> {
    tests("models", &["conformance"])
}

pub(crate) fn vit_memory() -> Result<Verdict> {
    if !cfg!(target_os = "linux") {
        return Ok(Verdict::skipped("Linux"));
    }
    let mut command = std::process::Command::new("cargo");
    command.args(["test", "--release", "--workspace", "--quiet", "--test", "memory", "--", "--nocapture", "a_vit"]);
    let output = command.current_dir(crate::command::root()).output().context("cannot run cargo test")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let figures = text.lines().find_map(|line| line.trim_start_matches('.').strip_prefix("vit-memory "));
    let factors: Vec<f64> = figures.unwrap_or_default().split(' ').filter_map(|factor| factor.parse().ok()).collect();
    let &[read, mapped] = &factors[..] else {
        anyhow::bail!("the test measured nothing: {text}{}", String::from_utf8_lossy(&output.stderr));
    };
    let figure = format!("{read:.2} times the file's size when read, {mapped:.2} when mapped");
    Ok(Verdict::new(figure, "at most 1.3", read.max(mapped) <= 1.3))
}

pub(crate) fn resize() -> Result<Verdict> {
    tests("data", &["resizing"])
}

pub(crate) fn workers() -> Result<Verdict> {
    tests("data", &["batches_do_not_depend_on_who_loads", "strategies_keep_the_contract_on_an_image_folder"])
}

pub(crate) fn transforms() -> Result<Verdict> {
    tests("data", &["geometric", "pixel_ops"])
}

pub(crate) fn strategies() -> Result<Verdict> {
    tests("data", &["strategies", "resuming", "samplers"])
}

pub(crate) fn formats() -> Result<Verdict> {
    tests("data", &["coco", "voc", "yolo"])
}

pub(crate) fn ingest_kill() -> Result<Verdict> {
    tests("cli", &["ingest"])
}

pub(crate) fn exact_resume() -> Result<Verdict> {
    tests("train", &["resum"])
}

pub(crate) fn bad_input() -> Result<Verdict> {
    tests("cli", &["bad_input"])
}

pub(crate) fn own_backbone() -> Result<Verdict> {
    let done = run_example("own_backbone", &[])?;
    Ok(Verdict::new(if done { "ran to its end" } else { "failed" }, "trains, resumes, predicts", done))
}
