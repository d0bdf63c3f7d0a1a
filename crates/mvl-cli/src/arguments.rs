//! What can be typed, and what each exit code means.

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use mvl::core::ModelError;
use mvl::metrics::UnknownMetric;

use crate::backends::BackendChoice;
use crate::backends::NotCompiled;
use crate::config::ConfigProblems;
use crate::output::Output;
use crate::plugins::Plugins;
use crate::verbs::{
    bench, data, demo, doctor, eval, export, keys, models, predict, registry, runs, serve, sweep, track, train,
};
use crate::workspace::RegisteredModels;

/// Computer vision for Rust: train, judge and use image models, from a folder of images to predictions.
///
/// Start with `mvl demo`. Then `mvl data inspect FOLDER`, `mvl train --data FOLDER`, `mvl predict --model RUN PHOTO`.
#[derive(Debug, Parser)]
#[command(
    name = "mvl",
    version,
    max_term_width = 110,
    after_help = "\
Exit codes: 0 done, 1 failed, 2 wrong arguments or config, 130 interrupted (training writes a checkpoint first)."
)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

/// What every verb understands.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Print results as JSON on standard output; progress stays on standard error.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// Where to compute.
#[derive(Debug, Clone, Args)]
pub(crate) struct ComputeArguments {
    /// Where to compute; GPUs need a build with that feature.
    #[arg(long, value_enum)]
    pub(crate) backend: Option<BackendChoice>,
    /// Which device of that backend.
    #[arg(long, value_name = "N")]
    pub(crate) device: Option<usize>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Train a model on labelled images.
    Train(train::TrainArguments),
    /// Train a recipe many times with other settings, and rank them.
    Sweep(sweep::SweepArguments),
    /// Judge a trained model on labelled images.
    Eval(eval::EvalArguments),
    /// Say what is in images.
    Predict(predict::PredictArguments),
    /// Answer requests with models, over REST and gRPC.
    Serve(Box<serve::ServeArguments>),
    /// Make, list and revoke API keys for servers.
    #[command(subcommand)]
    Keys(keys::KeysVerb),
    /// Measure how fast a server answers.
    #[command(subcommand)]
    Bench(bench::BenchVerb),
    /// Write a trained model for other programs: ONNX, safetensors.
    Export(export::ExportArguments),
    /// List, describe and export models.
    #[command(subcommand)]
    Models(models::ModelsVerb),
    /// Look at data before training on it.
    #[command(subcommand)]
    Data(data::DataVerb),
    /// Runs that were recorded: list, show, compare, draw, send, remove.
    #[command(subcommand)]
    Runs(runs::RunsVerb),
    /// Registered models: list, show, register, promote, roll back, sign, verify.
    #[command(subcommand)]
    Registry(registry::RegistryVerb),
    /// Share runs and models with others.
    #[command(subcommand)]
    Track(track::TrackVerb),
    /// Train on the data that mvl carries, and show everything it does. Needs no files.
    Demo(demo::DemoArguments),
    /// Show backends, versions, threads and memory.
    Doctor,
}

/// Runs the command line with these plugins, or with these models alone: the whole of a program's `main`.
pub fn main_with(plugins: impl Into<Plugins>) -> ExitCode {
    let mut plugins = plugins.into();
    plugins.registry.register_source(RegisteredModels);
    let registry = plugins.registry.clone();
    let arguments = Arguments::parse();
    let output = Output::new(arguments.common.json);
    let done = match arguments.verb {
        Verb::Train(arguments) => train::run(arguments, plugins, &output),
        Verb::Sweep(arguments) => sweep::run(arguments, plugins, &output),
        Verb::Eval(arguments) => eval::run(arguments, registry, &output),
        Verb::Predict(arguments) => predict::run(arguments, registry, &output),
        Verb::Bench(verb) => bench::run(verb, registry, &output),
        Verb::Serve(arguments) => serve::run(*arguments, registry, &output),
        Verb::Keys(verb) => keys::run(verb, &output),
        Verb::Export(arguments) => export::run(arguments, registry, &output),
        Verb::Models(verb) => models::run(verb, registry, &output),
        Verb::Data(verb) => data::run(verb, &output),
        Verb::Runs(verb) => runs::run(verb, &output),
        Verb::Registry(verb) => registry::run(verb, &output),
        Verb::Track(verb) => track::run(verb, &output),
        Verb::Demo(arguments) => demo::run(arguments, registry, &output),
        Verb::Doctor => doctor::run(&output),
    };
    match done {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Interrupted) => ExitCode::from(INTERRUPTED),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if is_wrong_input(&error) { WRONG_INPUT } else { FAILED })
        }
    }
}

const FAILED: u8 = 1;
const WRONG_INPUT: u8 = 2;
const INTERRUPTED: u8 = 130;

/// How a verb ended when nothing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Interrupted,
}

/// Whether other arguments would have helped.
fn is_wrong_input(error: &anyhow::Error) -> bool {
    let names = matches!(error.downcast_ref(), Some(ModelError::UnknownModel { .. } | ModelError::UnknownHead { .. }));
    names || error.is::<ConfigProblems>() || error.is::<NotCompiled>() || error.is::<UnknownMetric>()
}
