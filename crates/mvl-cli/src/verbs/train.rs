//! `mvl train`: from labelled images to a model in a run's folder.

use std::path::PathBuf;

use clap::Args;
use mvl::core::StopReason;
use mvl::train::{Checkpointer, StopToken};

use crate::arguments::{ComputeArguments, Outcome};
use crate::backends::with_backend;
use crate::config::{Override, StartingPoint, read_config};
use crate::downloads::weights_hub;
use crate::finding::Trial;
use crate::job::{BestFigure, CONFIG_FILE, JobSummary, TrainingJob};
use crate::output::{Output, count};
use crate::plugins::Plugins;
use crate::verbs::train_finders;

/// Trains on a folder per class, an IDX folder (MNIST), a .csv or .jsonl manifest, or `embedded:fashion-mnist`.
///
/// Settings come from --config FILE; flags and --set override it. The run's folder gets the config in full, checkpoints,
/// history.jsonl and curves.svg. Ctrl-C writes a checkpoint and ends; --resume RUN goes on from there.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mvl train --data photos/ --model resnet18 --epochs 20
  mvl train --config recipes/fashion_mnist.toml --data fashion-mnist/
  mvl train --data photos/ --weights mobilenet_v2.imagenet1k_v1 --model mobilenet_v2 --freeze-backbone
  mvl train --data photos/ --model resnet18 --find-learning-rate
  mvl train --resume runs/resnet18")]
pub(crate) struct TrainArguments {
    /// Config file (TOML); see recipes/ for whole ones.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Go on from the last checkpoint of this run, with its own config.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["config", "data", "model", "run_dir"])]
    resume: Option<PathBuf>,
    /// What to train on [config: data.path].
    #[arg(long, value_name = "PATH")]
    data: Option<String>,
    /// Which model, see `mvl models list` [config: model.name].
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// What to start from: a weights name (downloaded if need be), a file, or an address [config: model.weights].
    #[arg(long, value_name = "WEIGHTS")]
    weights: Option<String>,
    /// Download nothing.
    #[arg(long)]
    offline: bool,
    /// Train only the head [config: model.freeze_backbone].
    #[arg(long)]
    freeze_backbone: bool,
    /// Passes over the data [config: train.epochs].
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    epochs: Option<i64>,
    /// Images a step [config: data.batch_size].
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    batch_size: Option<i64>,
    /// Peak learning rate [config: train.optimizer.learning_rate].
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    learning_rate: Option<f64>,
    /// Seed of everything random [config: train.seed].
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<i64>,
    /// Folder for the run [config: run_dir].
    #[arg(long, value_name = "FOLDER")]
    run_dir: Option<PathBuf>,
    /// End after so many epochs of the run, with a checkpoint to go on from; the schedule is that of the whole run.
    #[arg(long, value_name = "EPOCHS")]
    stop_after: Option<usize>,
    /// Do not judge the best checkpoint on the test images.
    #[arg(long)]
    no_test: bool,
    /// Train nothing: try learning rates on copies of the model, print what came of them, and suggest one. With --run-dir,
    /// learning_rate.svg and learning_rate.json are written there.
    #[arg(long, conflicts_with_all = ["find_batch_size", "resume", "stop_after", "no_test"])]
    find_learning_rate: bool,
    /// Train nothing: double the batch size until it does not fit, print the speeds, and suggest one.
    #[arg(long, conflicts_with_all = ["resume", "stop_after", "no_test"])]
    find_batch_size: bool,
    /// Register the best checkpoint as the next version of this model [config: tracking.register].
    #[arg(long, value_name = "NAME")]
    register: Option<String>,
    /// Do not record the run [config: tracking.enabled].
    #[arg(long)]
    no_tracking: bool,
    /// Any setting by its path in the config, such as `--set data.image_size=[64,64]`; can be given often.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Override>,
    #[command(flatten)]
    compute: ComputeArguments,
}

impl TrainArguments {
    /// Flags as overrides of the config file; `--set` comes last and wins.
    fn overrides(&self) -> Vec<Override> {
        let mut overrides = Vec::new();
        let mut put = |key: &str, value: Option<toml::Value>| {
            overrides.extend(value.map(|value| Override::new(key, value)));
        };
        put("data.path", self.data.clone().map(Into::into));
        put("model.name", self.model.clone().map(Into::into));
        put("model.weights", self.weights.clone().map(Into::into));
        put("model.freeze_backbone", self.freeze_backbone.then_some(true.into()));
        put("train.epochs", self.epochs.map(Into::into));
        put("data.batch_size", self.batch_size.map(Into::into));
        put("train.optimizer.learning_rate", self.learning_rate.map(Into::into));
        put("train.seed", self.seed.map(Into::into));
        put("tracking.register", self.register.clone().map(Into::into));
        put("tracking.enabled", self.no_tracking.then_some(false.into()));
        put("run_dir", self.run_dir.as_ref().map(|path| path.display().to_string().into()));
        put("backend", self.compute.backend.map(|backend| backend.name().into()));
        put("device", self.compute.device.map(|device| (device as i64).into()));
        overrides.extend(self.set.iter().cloned());
        overrides
    }
}

pub(crate) fn run(arguments: TrainArguments, plugins: Plugins, output: &Output) -> anyhow::Result<Outcome> {
    let mut overrides = arguments.overrides();
    let config = match &arguments.resume {
        Some(run) => {
            anyhow::ensure!(
                run.join(CONFIG_FILE).is_file() && Checkpointer::new(run).has_any(),
                "no run to go on with here: expected {CONFIG_FILE} and checkpoints/; {}",
                run.display()
            );
            overrides.push(Override::new("run_dir", run.display().to_string()));
            read_config(Some(&run.join(CONFIG_FILE)), overrides, &plugins.registry, StartingPoint::Checkpoint)?
        }
        None => read_config(arguments.config.as_deref(), overrides, &plugins.registry, StartingPoint::Weights)?,
    };
    let backend = config.backend;
    let hub = weights_hub(arguments.offline);
    let trial = Trial { config: &config, plugins: &plugins, hub: &hub };
    if arguments.find_learning_rate {
        return train_finders::learning_rate(&trial, arguments.run_dir.as_deref(), output);
    }
    if arguments.find_batch_size {
        return train_finders::batch_size(&trial, output);
    }
    let stop = StopToken::on_ctrl_c()?;
    let job = TrainingJob::new(config, plugins)
        .with_resume(arguments.resume.is_some())
        .with_stop(stop)
        .with_stop_after(arguments.stop_after)
        .with_test(!arguments.no_test)
        .with_hub(hub);
    let summary = with_backend!(backend, B => job.run::<B>()?)?;
    output.result(&summary, || describe(&summary))?;
    Ok(match summary.stop_reason {
        StopReason::Interrupted => Outcome::Interrupted,
        _ => Outcome::Done,
    })
}

/// The end of a run, for people.
fn describe(summary: &JobSummary) -> String {
    let run = summary.run_dir.display();
    let epochs = count(summary.epochs, "epoch");
    let mut lines = vec![match &summary.stop_reason {
        StopReason::Completed => format!("trained {} for {epochs}", summary.model),
        StopReason::Observer { name, reason } => format!("stopped by {name} after {epochs}: {reason}"),
        _ => format!("interrupted; a checkpoint was written. Go on with: mvl train --resume {run}"),
    }];
    if let Some(BestFigure { epoch, value }) = summary.best {
        lines.push(format!("best epoch {}: {value:.4}", epoch + 1));
    }
    if let Some(test) = &summary.test {
        let figures: Vec<_> = test.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
        lines.push(format!("test: {}", figures.join(", ")));
    }
    lines.push(format!("in {run}: checkpoints/, config.toml, history.jsonl, curves.svg"));
    lines.push(format!("next: mvl predict --model {run} PHOTO"));
    lines.join("\n")
}
