//! `mvl demo`: the whole way on the data that mvl carries, with everything it can show.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use mvl::core::{Backend, Dataset, Registry, SampleKey, StopReason};
use mvl::data::{OnCorrupt, Split, Tile, contact_sheet, write_png};
use mvl::infer::Predictor;
use mvl::train::{Checkpointer, StopToken};
use serde::Serialize;

use crate::arguments::{ComputeArguments, Outcome};
use crate::backends::with_backend;
use crate::config::{RunConfig, RunFile};
use crate::job::{CONFIG_FILE, CURVES_FILE, HISTORY_FILE, JobSummary, SUMMARY_FILE, TrainingJob, write_text};
use crate::judge::{Measure, judge};
use crate::output::{Output, say};
use crate::training_data::{EMBEDDED, open_split};
use crate::verbs::eval::draw;
use crate::workspace;

/// The recipe that the demo follows.
const RECIPE: &str = include_str!("../../../../recipes/demo.toml");

/// Trains a small ResNet on a part of Fashion-MNIST, prints its accuracy on images it never saw, draws curves, confusion matrix
/// and a sheet of its mistakes, then reloads the saved model and predicts with it. Minutes on two cores; needs no files.
#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// Folder to write to; an earlier demo in it is replaced.
    #[arg(long, value_name = "FOLDER", default_value = "runs/demo")]
    out: PathBuf,
    /// Seed of everything random.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    seed: u64,
    /// Passes over the data, instead of the recipe's.
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    #[command(flatten)]
    compute: ComputeArguments,
}

/// What the demo came to.
#[derive(Debug, Serialize)]
struct DemoSummary {
    test_accuracy: f64,
    test_images: u64,
    train_seconds: f64,
    model: String,
    parameters: usize,
    epochs: usize,
    run: PathBuf,
    curves: PathBuf,
    confusion_matrix: PathBuf,
    mistakes: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registered: Option<String>,
    first_test_image: FirstImage,
}

/// The first test image, as the reloaded model sees it.
#[derive(Debug, Serialize)]
struct FirstImage {
    truth: String,
    predicted: String,
    probability: f32,
}

/// The experiment of its runs, and the name that its model is registered under.
const DEMO: &str = "demo";
/// Mistakes on the sheet.
const MISTAKES: usize = 40;
const SHEET_COLUMNS: usize = 8;
const TILE_PX: u32 = 144;

pub(crate) fn run(arguments: DemoArguments, registry: Registry, output: &Output) -> anyhow::Result<Outcome> {
    let mut file: RunFile = toml::from_str(RECIPE).context("the demo's own recipe")?;
    file.run_dir = Some(arguments.out.clone());
    file.train.seed = arguments.seed;
    file.train.epochs = arguments.epochs.unwrap_or(file.train.epochs);
    file.backend = arguments.compute.backend.or(file.backend);
    file.device = arguments.compute.device.or(file.device);
    let recorded = workspace::recording_allowed();
    file.tracking.experiment = Some(DEMO.to_owned());
    file.tracking.register = recorded.then(|| DEMO.to_owned());
    let config = RunConfig::resolve(file, &registry)?;
    let summary = with_backend!(config.backend, B => run_on::<B>(config, registry)?)?;
    let Some(summary) = summary else {
        say(format!("interrupted; go on with: mvl train --resume {}", arguments.out.display()));
        return Ok(Outcome::Interrupted);
    };
    write_text(&arguments.out.join(DEMO_FILE), &serde_json::to_string_pretty(&summary)?)?;
    output.result(&summary, || describe(&summary))?;
    Ok(Outcome::Done)
}

/// Trains, then judges what was saved; `None` when it was interrupted.
fn run_on<B: Backend>(config: RunConfig, registry: Registry) -> anyhow::Result<Option<DemoSummary>> {
    B::device(config.device)?; // before anything is removed
    clear_earlier_demo(&config.run_dir)?;
    let job = TrainingJob::new(config.clone(), registry.clone()).with_test(false).with_stop(StopToken::on_ctrl_c()?);
    let trained = job.run::<B>()?;
    match trained.stop_reason {
        StopReason::Interrupted => Ok(None),
        _ => report::<B>(&config, registry, trained).map(Some),
    }
}

/// Marks a folder as the demo's own, and holds its summary in the end.
const DEMO_FILE: &str = "demo.json";
const CONFUSION_FILE: &str = "confusion.svg";
const MISTAKES_FILE: &str = "mistakes.png";

/// Only a folder that an earlier demo made is used again, and only what it wrote there is removed.
fn clear_earlier_demo(folder: &Path) -> anyhow::Result<()> {
    let is_empty = fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    let is_demo = folder.join(DEMO_FILE).is_file();
    anyhow::ensure!(
        is_demo || is_empty,
        "this folder holds something other than an earlier demo, choose another with --out; {}",
        folder.display()
    );
    let context = || format!("cannot replace the earlier demo; {}", folder.display());
    if is_demo {
        Checkpointer::new(folder).clear().with_context(context)?;
        for name in [CONFIG_FILE, SUMMARY_FILE, HISTORY_FILE, CURVES_FILE, CONFUSION_FILE, MISTAKES_FILE] {
            match fs::remove_file(folder.join(name)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error).with_context(context),
                _ => {}
            }
        }
    }
    write_text(&folder.join(DEMO_FILE), "{}")
}

/// Reloads the saved model from its folder and shows what it does on images it never saw.
fn report<B: Backend>(config: &RunConfig, registry: Registry, trained: JobSummary) -> anyhow::Result<DemoSummary> {
    let run = &config.run_dir;
    let builder = Predictor::<B>::builder(run).with_registry(registry).with_device_ordinal(config.device);
    let reloaded = builder.load_trained()?;
    let labels = &reloaded.spec.labels;
    let test = open_split(EMBEDDED, Split::Test)?;
    let measure = Measure {
        batch_size: config.data.batch_size,
        ordinal: config.device,
        on_corrupt: OnCorrupt::Fail,
        metrics: &config.task.metrics,
    };
    let judged = judge::<B>(&reloaded, test.clone(), &measure)?;
    draw(&run.join(CONFUSION_FILE), &judged.matrix, labels)?;

    let image = |index| -> anyhow::Result<_> { Ok(Dataset::get(&*test, SampleKey::plain(index))?) };
    let mut tiles = Vec::new();
    for mistake in judged.mistakes.iter().take(MISTAKES) {
        let caption = format!("{} > {}", labels.display(mistake.truth), labels.display(mistake.predicted));
        tiles.push(Tile { image: image(mistake.index)?.image, caption });
    }
    write_png(&contact_sheet(&tiles, SHEET_COLUMNS, TILE_PX), run.join(MISTAKES_FILE))?;

    let first = image(0)?;
    let answer = Predictor::<B>::of(&reloaded).predict(first.image)?.top(1);
    let answer = answer.first().context("a model has classes")?;
    Ok(DemoSummary {
        test_accuracy: judged.matrix.accuracy(),
        test_images: judged.matrix.total(),
        train_seconds: trained.train_seconds,
        model: trained.model,
        parameters: trained.parameters,
        epochs: trained.epochs,
        run: run.clone(),
        curves: run.join(CURVES_FILE),
        confusion_matrix: run.join(CONFUSION_FILE),
        mistakes: run.join(MISTAKES_FILE),
        run_id: trained.run_id,
        registered: trained.registered,
        first_test_image: FirstImage {
            truth: first.annotations.label.map_or_else(|| "?".to_owned(), |label| labels.display(label)),
            predicted: answer.label.clone(),
            probability: answer.probability,
        },
    })
}

fn describe(summary: &DemoSummary) -> String {
    let run = summary.run.display();
    let recorded = summary
        .registered
        .as_ref()
        .map_or_else(String::new, |address| format!("recorded          mvl runs show, registered as {address}\n"));
    format!(
        "test accuracy {:.2} % on {} images never trained on\n\
         {} with {} parameters, {} epochs, {:.0} s of training\n\
         reloaded from disk, it takes the first test image ({}) for: {} ({:.1} %)\n\
         curves            {}\n\
         confusion matrix  {}\n\
         mistakes          {}\n\
         {recorded}next: mvl predict --model {run} PHOTO",
        100.0 * summary.test_accuracy,
        summary.test_images,
        summary.model,
        crate::output::thousands(summary.parameters),
        summary.epochs,
        summary.train_seconds,
        summary.first_test_image.truth,
        summary.first_test_image.predicted,
        100.0 * summary.first_test_image.probability,
        summary.curves.display(),
        summary.confusion_matrix.display(),
        summary.mistakes.display(),
    )
}
