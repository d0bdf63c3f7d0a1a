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
/// The exit code of a run that was told to stop.
const INTERRUPTED: i32 = 130;

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

/// A run told to stop by SIGTERM, and one whose disk is full from some moment on: both leave whole checkpoints, and end, once resumed, with
/// the weights of a run that was left alone.
pub(crate) fn faults() -> Result<Verdict> {
    let mvl = build_program("mvl")?;
    let folder = root().join("target/prove/faults");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let run = |name: &str| Run { mvl: &mvl, folder: folder.join(name) };
    let unbroken = run("unbroken");
    let began = Instant::now();
    ensure!(unbroken.train(None)?, "the run that was left alone failed");
    let life = began.elapsed();
    let expected = unbroken.weights()?;

    let terminated = run("terminated");
    let mut child = terminated.command("").spawn()?;
    std::thread::sleep(life.mul_f64(0.4));
    ensure!(Command::new("kill").arg(child.id().to_string()).status()?.success(), "cannot send SIGTERM");
    let told = Instant::now();
    let status = child.wait()?;
    let waited = told.elapsed().as_secs_f64();
    ensure!(status.code() == Some(INTERRUPTED), "SIGTERM ended it with {status}");
    ensure!(terminated.has_checkpoint(), "SIGTERM left no checkpoint");
    ensure!(terminated.train(None)?, "the run did not go on after SIGTERM");

    // No file may grow past 8 KiB: whoever writes a checkpoint meets what a full disk is, without a disk of its own to fill.
    let full = run("full");
    full.train(Some(life.mul_f64(0.4)))?;
    ensure!(full.has_checkpoint(), "the run was killed before its first checkpoint");
    let output = full.command("trap '' XFSZ; ulimit -f 16; ").stderr(Stdio::piped()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success(), "a run whose last checkpoint was not written ended well");
    let goes_on = said.matches("goes on without a checkpoint").count();
    ensure!(goes_on > 0, "nothing was said of checkpoints that were not written: {said}");
    ensure!(full.train(None)?, "the run did not go on with room on the disk");

    let same = [&terminated, &full].map(|run| run.weights().is_ok_and(|weights| weights == expected));
    let figure = format!(
        "{} of 2 end with the same weights; SIGTERM obeyed in {waited:.2} s; {goes_on} notices of a full disk on the way",
        same.iter().filter(|same| **same).count()
    );
    Ok(Verdict::new(figure, "2 of 2", same == [true, true]))
}

/// A training run of the recipe in a folder of its own.
struct Run<'a> {
    mvl: &'a Path,
    folder: PathBuf,
}

impl Run<'_> {
    /// Begins or goes on; killed after a while, or let to its end. Whether it ended by itself, and well.
    fn train(&self, kill_after: Option<Duration>) -> Result<bool> {
        let mut child = self.command("").spawn().with_context(|| format!("cannot run {}", self.mvl.display()))?;
        let Some(kill_after) = kill_after else { return Ok(child.wait()?.success()) };
        std::thread::sleep(kill_after);
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        child.kill()?; // SIGKILL
        child.wait()?;
        Ok(false)
    }

    fn has_checkpoint(&self) -> bool {
        ["last", "last.1"].iter().any(|name| self.folder.join("checkpoints").join(name).exists())
    }

    /// The program, begun by a shell that first does something of its own.
    fn command(&self, first: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{first}exec \"$@\"")).arg("sh").arg(self.mvl);
        // A run that was killed before its first checkpoint has nothing to go on from, and begins again.
        if self.has_checkpoint() {
            command.args(["train", "--resume"]).arg(&self.folder);
        } else {
            command.args(["train", "--config", RECIPE, "--run-dir"]).arg(&self.folder);
        }
        command.current_dir(root()).stdout(Stdio::null()).stderr(Stdio::null());
        command
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
