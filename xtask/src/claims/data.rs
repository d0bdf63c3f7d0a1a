//! Real annotations, other people's servers and readers, damaged bytes.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Verdict;
use crate::command::{SHARED_ASSETS, mvl, mvl_json, root, shared_assets};

/// Boxes in the four photos of `detection_trees`.
const TREES: u64 = 951;
/// How long each fuzz target runs, in seconds.
const FUZZ_SECONDS: u32 = 600;

/// Ingests, validates and previews the trees.
pub(crate) fn trees() -> Result<Verdict> {
    let Some(assets) = shared_assets() else { return Ok(Verdict::skipped(SHARED_ASSETS)) };
    let folder = root().join("target/prove/trees");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let sheet = folder.join("sheet.png");
    let [source, packed, sheet] =
        [&assets.join("detection_trees"), &folder, &sheet].map(|path| path.display().to_string());
    mvl_json(&["data", "ingest", &source, &packed])?;
    let report = mvl_json(&["data", "validate", &packed])?;
    let drawn = mvl(&["data", "preview", &packed, "--split", "all", "--out", &sheet])?.status.success();
    let splits = report["splits"].as_array().context("the report has no splits")?;
    let sum = |field: &str| splits.iter().filter_map(|split| split[field].as_u64()).sum::<u64>();
    let (objects, quarantined) = (sum("objects"), sum("quarantined"));
    let picture = std::fs::metadata(&sheet).map_or(0, |file| file.len());
    let figure = format!("{objects} boxes, {quarantined} samples left out, a sheet of {picture} bytes");
    let holds = objects == TREES && quarantined == 0 && drawn && picture > 0;
    Ok(Verdict::new(figure, "951 boxes, none left out, a sheet", holds))
}

/// Runs tests with the object stores and Python's reader beside them.
fn beside_servers(arguments: &[&str], goal: &'static str) -> Result<Verdict> {
    let mut command = Command::new(root().join("scripts/with_stores.sh"));
    command
        .arg("scripts/with_python.sh")
        .args(["cargo", "test", "--release", "--workspace", "--quiet"])
        .args(arguments);
    let output = command.current_dir(root()).output().context("cannot run scripts/with_stores.sh")?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        eprintln!("{text}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    let passed: usize = text
        .lines()
        .filter_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next()?.parse::<usize>().ok())
        .sum();
    let skipped = text.lines().filter(|line| line.contains("skipped")).count();
    let holds = output.status.success() && passed > 0 && skipped == 0;
    Ok(Verdict::new(format!("{passed} tests passed, {skipped} skipped"), goal, holds))
}

/// The suite of stores on local disk, S3 (moto) and Azure (azurite), with and without faults.
pub(crate) fn stores() -> Result<Verdict> {
    beside_servers(&["--test", "stores", "--", "--nocapture"], "all on disk, S3 and Azure, with faults")
}

/// PyPI's webdataset reads our shards.
pub(crate) fn webdataset() -> Result<Verdict> {
    beside_servers(&["--test", "data", "webdataset", "--", "--nocapture"], "read by PyPI's webdataset")
}

/// Every parser of bytes from outside, one after the other.
pub(crate) fn fuzz() -> Result<Verdict> {
    let fuzz = root().join("fuzz");
    let mut names: Vec<String> = std::fs::read_dir(fuzz.join("fuzz_targets"))?
        .filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    ensure!(!names.is_empty(), "fuzz/fuzz_targets is empty");
    let mut crashed = Vec::new();
    for name in &names {
        println!("== fuzz {name}");
        if !fuzz_one(&fuzz, name)? {
            crashed.push(name.as_str());
        }
    }
    let figure = format!("{} targets, crashed: [{}]", names.len(), crashed.join(", "));
    Ok(Verdict::new(figure, "ten minutes each without a crash", crashed.is_empty()))
}

/// Whether a target ran its time without a crash.
fn fuzz_one(fuzz: &Path, name: &str) -> Result<bool> {
    std::fs::create_dir_all(fuzz.join("corpus").join(name))?;
    let limits = [
        format!("-max_total_time={FUZZ_SECONDS}"),
        "-max_len=16384".to_owned(),
        "-rss_limit_mb=3000".to_owned(),
        "-malloc_limit_mb=2500".to_owned(),
        "-timeout=20".to_owned(),
    ];
    let folders = [format!("corpus/{name}"), format!("seeds/{name}")];
    let mut command = Command::new("cargo");
    command.args(["+nightly", "fuzz", "run", "--fuzz-dir", ".", name]).args(folders).arg("--").args(limits);
    let status = command.current_dir(fuzz).status().context("cannot run cargo fuzz; `cargo install cargo-fuzz`")?;
    Ok(status.success())
}
