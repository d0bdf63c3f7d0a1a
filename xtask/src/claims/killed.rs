//! Runs that are killed, and come to the same end.

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use super::Verdict;
use crate::command::{build_program, root};

const RECIPE: &str = "recipes/killed.toml";
const RUNS: usize = 20;
/// Kills of one run at most, before it is let to its end.
const KILLS: usize = 3;

/// Twenty runs, each killed (SIGKILL) up to three times at random moments of its life and resumed, against one that was left alone.
pub(crate) fn killed() -> Result<Verdict> {
    let mvl = build_program("mvl")?;
    let folder = root().join("target/prove/killed");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let unbroken = Run { mvl: &mvl, folder: folder.join("unbroken") };
    let began = Instant::now();
    ensure!(unbroken.train(None)?, "the run that was left alone failed");
    let life = began.elapsed();
    let expected = unbroken.weights()?;
    println!("left alone: {} in {:.1} s", hex(&expected), life.as_secs_f64());

    let (mut same, mut kills) = (0, 0);
    for number in 1..=RUNS {
        let run = Run { mvl: &mvl, folder: folder.join(number.to_string()) };
        let mut moments = Vec::new();
        for _ in 0..1 + random() as usize % KILLS {
            let moment = life.mul_f64(random() as f64 / u64::MAX as f64);
            if run.train(Some(moment))? {
                break; // it was faster
            }
            moments.push(format!("{:.2} s", moment.as_secs_f64()));
        }
        ensure!(run.train(None)?, "run {number} did not go on; {}", run.folder.display());
        let got = run.weights()?;
        println!("run {number}: killed after {}: {}", moments.join(", "), hex(&got));
        kills += moments.len();
        same += usize::from(got == expected);
    }
    let figure = format!("{same} of {RUNS} runs, killed {kills} times, ended with the same weights");
    Ok(Verdict::new(figure, "all", same == RUNS && kills >= RUNS))
}

/// A training run of the recipe in a folder of its own.
struct Run<'a> {
    mvl: &'a Path,
    folder: PathBuf,
}

impl Run<'_> {
    /// Begins or goes on; killed after a while, or let to its end. Whether it ended by itself, and well.
    fn train(&self, kill_after: Option<Duration>) -> Result<bool> {
        let mut command = Command::new(self.mvl);
        // A run that was killed before its first checkpoint has nothing to go on from, and begins again.
        if self.folder.join("checkpoints").read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
            command.args(["train", "--resume"]).arg(&self.folder);
        } else {
            command.args(["train", "--config", RECIPE, "--run-dir"]).arg(&self.folder);
        }
        command.current_dir(root()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().with_context(|| format!("cannot run {}", self.mvl.display()))?;
        let Some(kill_after) = kill_after else { return Ok(child.wait()?.success()) };
        std::thread::sleep(kill_after);
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        child.kill()?; // SIGKILL
        child.wait()?;
        Ok(false)
    }

    /// The hash of the weights that came of it, as another program would read them.
    fn weights(&self) -> Result<[u8; 32]> {
        let exported = self.folder.join("weights.safetensors");
        let last = self.folder.join("checkpoints/last");
        let status = Command::new(self.mvl)
            .args(["models", "export", "--model"])
            .args([&last, &exported])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        ensure!(status.success(), "the model of {} cannot be exported", last.display());
        Ok(Sha256::digest(fs::read(&exported)?).into())
    }
}

fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn hex(hash: &[u8]) -> String {
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
