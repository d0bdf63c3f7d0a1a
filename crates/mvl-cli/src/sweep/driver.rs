//! The trials of a sweep, several at once, and what is known of them on the disk at any time.

use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;

use anyhow::Context;
use mvl::core::MonitorMode;
use mvl::train::StopToken;
use serde::{Deserialize, Serialize};

use super::ranges::{Settings, Space};
use super::rungs::{Climb, Rungs};
use super::trial::{Part, Runner, Trial};
use crate::job::write_text;
use crate::output::{count, say};

const SWEEP_FILE: &str = "sweep.json";
/// A sweep's state may take at most this much.
const MAX_BYTES: u64 = 64 << 20;

/// A sweep under way.
pub(crate) struct Sweep {
    pub(crate) space: Space,
    pub(crate) rungs: Rungs,
    pub(crate) trials: usize,
    pub(crate) parallel: usize,
    /// The figure's name, and which way is better.
    pub(crate) metric: String,
    pub(crate) mode: MonitorMode,
    pub(crate) runner: Runner,
    pub(crate) stop: StopToken,
}

/// What a sweep came to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SweepSummary {
    /// Its folder.
    pub(crate) sweep_dir: PathBuf,
    /// The figure by which trials are judged.
    pub(crate) metric: String,
    /// The trials, the best first; those that failed last.
    pub(crate) trials: Vec<Ranked>,
    /// Whether the user ended it before its end.
    pub(crate) interrupted: bool,
}

/// A trial with its folder and its figure.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Ranked {
    pub(crate) number: usize,
    pub(crate) run_dir: PathBuf,
    pub(crate) settings: Settings,
    pub(crate) epochs: usize,
    pub(crate) figure: Option<f64>,
    pub(crate) seconds: f64,
    pub(crate) failure: Option<String>,
}

/// What `sweep.json` holds.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    trials: Vec<Trial>,
}

impl Sweep {
    /// Runs all trials. What was done in an earlier call is taken up; trials that were under way go on from their checkpoints.
    pub(crate) fn run(self) -> anyhow::Result<SweepSummary> {
        let mut trials = self.saved()?;
        let mut busy = vec![false; self.trials.max(trials.len())];
        // A part that was under way when the sweep ended is done first.
        let (sender, results) = mpsc::channel::<(usize, anyhow::Result<Part>)>();
        let runner = Arc::new(self.runner.clone());
        let mut running = 0;
        loop {
            while running < self.parallel && !self.stop.is_stopped() {
                let Some((number, up_to)) = self.next(&mut trials, &busy) else { break };
                busy[number] = true;
                running += 1;
                self.save(&trials)?;
                say(format!("trial {}: {} up to epoch {up_to}", number, shown(&trials[number].settings)));
                let (runner, trial, sender) = (runner.clone(), trials[number].clone(), sender.clone());
                thread::spawn(move || {
                    let _ = sender.send((number, runner.run(&trial, up_to))); // nobody waits any more
                });
            }
            if running == 0 {
                break;
            }
            let (number, part) = results.recv().context("a trial was lost")?;
            busy[number] = false;
            running -= 1;
            let trial = &mut trials[number];
            match part? {
                Part::Done { epochs, figure, seconds } => {
                    trial.figures.push(Some(figure));
                    trial.epochs = epochs;
                    trial.seconds += seconds;
                    say(format!("trial {number}: {} {figure:.4} after {}", self.metric, count(epochs, "epoch")));
                }
                Part::Failed(why) => {
                    say(format!("trial {number} failed: {why}"));
                    trial.figures.push(None);
                    trial.failure = Some(why);
                }
                Part::Interrupted => self.stop.stop(),
            }
            self.save(&trials)?;
        }
        let summary = self.summary(trials);
        let failed = summary.trials.iter().find_map(|trial| trial.failure.as_ref());
        if let (false, Some(why)) = (summary.trials.iter().any(|trial| trial.figure.is_some()), failed) {
            anyhow::bail!("every trial failed, the first with: {why}");
        }
        Ok(summary)
    }

    /// The next part to train: one that was begun, one that is worth going on with, or a new one.
    fn next(&self, trials: &mut Vec<Trial>, busy: &[bool]) -> Option<(usize, usize)> {
        let begun = trials.iter().find(|trial| trial.figures.is_empty() && !busy[trial.number]);
        if let Some(trial) = begun {
            return Some((trial.number, self.rungs.epochs(0)));
        }
        let sign = if self.mode == MonitorMode::Max { 1.0 } else { -1.0 };
        let climbs: Vec<Climb> = trials
            .iter()
            .map(|trial| Climb {
                figures: trial.figures.iter().map(|figure| figure.map_or(f64::NAN, |figure| sign * figure)).collect(),
                busy: busy[trial.number],
            })
            .collect();
        if let Some(number) = self.rungs.promotable(&climbs) {
            return Some((number, self.rungs.epochs(trials[number].figures.len())));
        }
        let number = trials.len();
        (number < self.trials).then(|| {
            let settings = self.space.settings(number);
            trials.push(Trial { number, settings, epochs: 0, figures: Vec::new(), failure: None, seconds: 0.0 });
            (number, self.rungs.epochs(0))
        })
    }

    fn saved(&self) -> anyhow::Result<Vec<Trial>> {
        let path = self.runner.sweep_dir.join(SWEEP_FILE);
        let Ok(size) = std::fs::metadata(&path).map(|metadata| metadata.len()) else { return Ok(Vec::new()) };
        anyhow::ensure!(size <= MAX_BYTES, "expected at most {MAX_BYTES} bytes, got {size}; {}", path.display());
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let saved: Saved = serde_json::from_str(&text).with_context(|| format!("cannot read {}", path.display()))?;
        for trial in &saved.trials {
            let same = self.space.settings(trial.number) == trial.settings;
            anyhow::ensure!(
                same,
                "this is another sweep than the folder's: choose another sweep_dir; {}",
                path.display()
            );
        }
        Ok(saved.trials)
    }

    fn save(&self, trials: &[Trial]) -> anyhow::Result<()> {
        let saved = Saved { trials: trials.to_vec() };
        write_text(&self.runner.sweep_dir.join(SWEEP_FILE), &serde_json::to_string_pretty(&saved)?)
    }

    fn summary(&self, trials: Vec<Trial>) -> SweepSummary {
        let mut ranked: Vec<Ranked> = trials
            .into_iter()
            .map(|trial| Ranked {
                number: trial.number,
                run_dir: self.runner.folder(trial.number),
                figure: trial.figures.iter().rev().find_map(|figure| *figure),
                settings: trial.settings,
                epochs: trial.epochs,
                seconds: trial.seconds,
                failure: trial.failure,
            })
            .collect();
        // Among trials of asha, those that went further were better at every stage.
        ranked.sort_by(|a, b| {
            let better = |a: f64, b: f64| if self.mode == MonitorMode::Max { b.total_cmp(&a) } else { a.total_cmp(&b) };
            match (a.figure, b.figure) {
                (Some(x), Some(y)) => better(x, y),
                (x, y) => y.is_some().cmp(&x.is_some()),
            }
        });
        let (sweep_dir, metric) = (self.runner.sweep_dir.clone(), self.metric.clone());
        SweepSummary { sweep_dir, metric, trials: ranked, interrupted: self.stop.is_stopped() }
    }
}

/// Settings in one line.
pub(crate) fn shown(settings: &Settings) -> String {
    let short = |path: &str| path.rsplit('.').next().unwrap_or(path).to_owned();
    let value = |value: &toml::Value| match value {
        toml::Value::Float(number) => format!("{number:.4e}"),
        other => other.to_string(),
    };
    settings.iter().map(|(path, setting)| format!("{}={}", short(path), value(setting))).collect::<Vec<_>>().join(" ")
}
