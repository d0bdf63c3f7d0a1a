//! How long a fresh machine waits.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::Verdict;
use crate::command::{cargo, root};

const COLD_SECONDS: f64 = 360.0;

/// Builds what `cargo run --release -- demo` builds into an empty folder.
pub(crate) fn cold_build() -> Result<Verdict> {
    let folder = root().join("target/prove/cold");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let begun = Instant::now();
    ensure!(
        cargo(&["build", "--release", "--jobs", "2", "--target-dir", &folder.display().to_string()])?,
        "the build failed"
    );
    let seconds = begun.elapsed().as_secs_f64();
    std::fs::remove_dir_all(&folder)?;
    Ok(Verdict::new(format!("{seconds:.0} s"), "under 360 s on two cores", seconds < COLD_SECONDS))
}

/// Type-checks with CUDA; `DOCS_RS` keeps burn's build from downloading LLVM.
pub(crate) fn cuda_checks() -> Result<Verdict> {
    let mut command = Command::new("cargo");
    command.args([
        "check",
        "--release",
        "--target-dir",
        "target/cuda",
        "--workspace",
        "--all-targets",
        "--features",
        CUDA,
    ]);
    let status = command.env("DOCS_RS", "1").current_dir(root()).status().context("cannot run cargo")?;
    Ok(Verdict::new(if status.success() { "no error" } else { "errors" }, "no error", status.success()))
}

const CUDA: &str = "mvl-cli/cuda,mvl-cli/cuda-nvrtc,mvl-benches/cuda,mvl-examples/cuda";

/// Runs the benches; their figures are for reading, not for passing.
pub(crate) fn benches() -> Result<Verdict> {
    let mut found = Vec::new();
    for (bench, unit) in [("loader", "images/s"), ("resize", "images/s"), ("train_step", "images/s"), ("predict", "ms")]
    {
        let output = Command::new("cargo")
            .args(["bench", "--quiet", "--workspace", "--bench", bench])
            .current_dir(root())
            .stderr(Stdio::inherit())
            .output()
            .context("cannot run cargo bench")?;
        ensure!(output.status.success(), "bench {bench} ended with {}", output.status);
        let text = String::from_utf8_lossy(&output.stdout);
        print!("{text}");
        found.push(format!("{bench} {}", text.lines().filter(|line| line.contains(unit)).count()));
    }
    let all = found.iter().all(|line| !line.ends_with(" 0"));
    Ok(Verdict::new(format!("figures: {}", found.join(", ")), "some of each", all))
}
