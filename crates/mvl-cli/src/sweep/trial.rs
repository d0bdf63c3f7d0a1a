//! One run of a sweep, as a process of its own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use mvl::train::Checkpointer;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::ranges::Settings;
use crate::job::SUMMARY_FILE;

/// What a trial has come to. Written into `sweep.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trial {
    /// From 0.
    pub(crate) number: usize,
    /// What it changes of the recipe.
    pub(crate) settings: Settings,
    /// Epochs trained.
    pub(crate) epochs: usize,
    /// The best figure at the end of each part so far; `null` where it failed.
    pub(crate) figures: Vec<Option<f64>>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
    /// Seconds of training in all parts.
    pub(crate) seconds: f64,
}

/// What one part of a trial came to.
pub(crate) enum Part {
    /// Epochs, the best figure, and seconds.
    Done { epochs: usize, figure: f64, seconds: f64 },
    /// The user said so.
    Interrupted,
    /// Why.
    Failed(String),
}

/// How parts of trials are run.
#[derive(Debug, Clone)]
pub(crate) struct Runner {
    pub(crate) recipe: PathBuf,
    pub(crate) sweep_dir: PathBuf,
    /// Settings for all trials, as on the command line.
    pub(crate) set: Vec<String>,
    /// Cores and MiB of memory of each.
    pub(crate) cores: usize,
    pub(crate) host_mib: Option<usize>,
}

impl Runner {
    pub(crate) fn folder(&self, number: usize) -> PathBuf {
        self.sweep_dir.join(format!("trial-{number:03}"))
    }

    /// Trains a trial up to so many epochs, from where it is.
    pub(crate) fn run(&self, trial: &Trial, up_to: usize) -> anyhow::Result<Part> {
        let folder = self.folder(trial.number);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let log = folder.join("log.txt");
        let log_file = File::options().create(true).append(true).open(&log);
        let log_file = log_file.with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new(std::env::current_exe().context("cannot tell which program this is")?);
        command.args(["train", "--json", "--no-test", "--stop-after", &up_to.to_string()]);
        if Checkpointer::new(&folder).has_any() {
            command.arg("--resume").arg(&folder);
        } else {
            command.arg("--config").arg(&self.recipe).arg("--run-dir").arg(&folder);
            for (path, value) in &trial.settings {
                command.arg("--set").arg(format!("{path}={value}"));
            }
            for set in &self.set {
                command.arg("--set").arg(set);
            }
        }
        command.arg("--set").arg(format!("tracking.tags.sweep={:?}", self.sweep_dir.display().to_string()));
        command.arg("--set").arg(format!("resources.cores={}", self.cores));
        if let Some(mib) = self.host_mib {
            command.arg("--set").arg(format!("resources.host_mib={mib}"));
        }
        command.env("RAYON_NUM_THREADS", self.cores.to_string());
        let output = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log_file).output();
        let output = output.context("cannot start a trial")?;
        const INTERRUPTED: i32 = 130;
        match output.status.code() {
            Some(0) => {}
            Some(INTERRUPTED) | None => return Ok(Part::Interrupted),
            Some(code) => return Ok(Part::Failed(last_words(&log, code))),
        }
        let summary: Json = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("{} of trial {} cannot be read", SUMMARY_FILE, trial.number))?;
        let figure = summary["best"]["value"].as_f64();
        let epochs = summary["epochs"].as_u64().unwrap_or(0) as usize;
        let seconds = summary["train_seconds"].as_f64().unwrap_or(0.0);
        Ok(match figure {
            Some(figure) => Part::Done { epochs, figure, seconds },
            None => Part::Failed("it has no figure to be judged by: give it validation data".to_owned()),
        })
    }
}

/// The last line of a trial's log.
fn last_words(log: &Path, code: i32) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let error = text.lines().rev().find(|line| line.starts_with("error:"));
    let line = error.or_else(|| text.lines().next_back()).unwrap_or("it said nothing");
    format!("{line} (exit code {code})")
}
