//! `mvl sweep`: many runs of one recipe, and which settings are best.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use mvl::train::StopToken;

use crate::arguments::Outcome;
use crate::config::{ConfigProblems, Override, StartingPoint, read_config, read_strictly};
use crate::job::write_text;
use crate::output::{Output, table};
use crate::plugins::Plugins;
use crate::sweep::{Rungs, Runner, Space, StrategyFile, Sweep, SweepFile, SweepSummary, shown};

/// The reduction of `asha` when none is given, as its authors recommend.
const REDUCTION: usize = 3;
/// Random trials when no number is given.
const TRIALS: usize = 16;

/// Trains a recipe many times with other settings, and ranks them by their best figure of validation.
///
/// A sweep file names the recipe, a folder, and what to change. Each trial is a run in a folder of its own, which can be resumed, evaluated and
/// predicted with like any other. Ctrl-C ends all trials with checkpoints; the same command goes on.
#[derive(Debug, Args)]
#[command(after_help = "\
A sweep file:
  version = 1
  recipe = \"recipes/demo.toml\"
  sweep_dir = \"sweeps/rate\"
  strategy = \"asha\"            # or \"random\", or \"grid\"
  trials = 12
  parallel = 2

  [parameters]
  \"train.optimizer.learning_rate\" = { log = [1e-3, 1.0] }
  \"data.batch_size\" = { values = [32, 64, 128] }
  \"train.schedule.warmup_epochs\" = { uniform = [0.0, 1.0] }

Example:
  mvl sweep --config sweeps/rate.toml")]
pub(crate) struct SweepArguments {
    /// Sweep file (TOML).
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Trials at once [config: parallel].
    #[arg(long, value_name = "N")]
    parallel: Option<usize>,
    /// Any setting of the recipe for all trials, such as `--set train.epochs=3`; can be given often.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

pub(crate) fn run(arguments: SweepArguments, plugins: Plugins, output: &Output) -> anyhow::Result<Outcome> {
    let mut file: SweepFile = read_strictly(&arguments.config, SweepFile::problems)?;
    file.parallel = arguments.parallel.or(file.parallel);
    let overrides = |set: &[String]| -> anyhow::Result<Vec<Override>> {
        set.iter()
            .map(|text| text.parse().map_err(|problem: String| ConfigProblems::new(vec![problem]).into()))
            .collect()
    };
    // Every setting is tried on the recipe before the first trial: a misspelt key ends here, not after an hour.
    let grid = file.strategy == StrategyFile::Grid;
    let space = Space::new(file.parameters.clone(), file.seed, grid);
    let mut first = overrides(&arguments.set)?;
    first.extend(space.settings(0).into_iter().map(|(path, value)| Override::new(&path, value)));
    let recipe = read_config(Some(&file.recipe), first, &plugins.registry, StartingPoint::Weights)?;
    let monitor = recipe.train.monitor.clone();
    let monitor = monitor.unwrap_or_else(|| mvl::core::Monitor::max("accuracy"));

    let trials = match (space.points(), file.trials) {
        (Some(points), most) => points.min(most.unwrap_or(usize::MAX)),
        (None, trials) => trials.unwrap_or(TRIALS),
    };
    let epochs = recipe.train.epochs;
    let rungs = match file.strategy {
        StrategyFile::Asha => Rungs::growing(file.min_epochs.unwrap_or(1), file.reduction.unwrap_or(REDUCTION), epochs),
        StrategyFile::Grid | StrategyFile::Random => Rungs::only(epochs),
    };
    let parallel = file.parallel.unwrap_or(1).min(trials.max(1));
    let cores = recipe.resources.cores.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let runner = Runner {
        recipe: file.recipe.clone(),
        sweep_dir: file.sweep_dir.clone(),
        set: arguments.set,
        cores: (cores / parallel).max(1),
        host_mib: recipe.resources.host_mib.map(|mib| (mib / parallel).max(1)),
    };
    std::fs::create_dir_all(&file.sweep_dir).with_context(|| format!("cannot make {}", file.sweep_dir.display()))?;
    let stop = StopToken::on_ctrl_c()?;
    let (metric, mode) = (monitor.metric, monitor.mode);
    let summary = Sweep { space, rungs, trials, parallel, metric, mode, runner, stop }.run()?;
    write_text(&file.sweep_dir.join("summary.json"), &serde_json::to_string_pretty(&summary)?)?;
    output.result(&summary, || describe(&summary))?;
    Ok(if summary.interrupted { Outcome::Interrupted } else { Outcome::Done })
}

/// The end of a sweep, for people.
fn describe(summary: &SweepSummary) -> String {
    let rows: Vec<Vec<String>> = summary
        .trials
        .iter()
        .map(|trial| {
            let figure = trial.figure.map_or_else(|| "failed".to_owned(), |figure| format!("{figure:.4}"));
            let seconds = format!("{:.0}", trial.seconds);
            vec![trial.number.to_string(), figure, trial.epochs.to_string(), seconds, shown(&trial.settings)]
        })
        .collect();
    let heading = ["trial", summary.metric.as_str(), "epochs", "seconds", "settings"];
    let mut lines = vec![table(&heading, &rows)];
    if summary.interrupted {
        lines.push("interrupted; the same command goes on".to_owned());
    }
    if let Some(best) = summary.trials.first().filter(|best| best.figure.is_some()) {
        lines.push(format!("best: {}", best.run_dir.display()));
        lines.push(format!("next: mvl eval --model {} --data PATH", best.run_dir.display()));
    }
    lines.join("\n")
}
