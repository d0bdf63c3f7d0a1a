//! `mvl demo`: the whole way on the data that mvl carries, with everything it can show.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use mvl::core::{Backend, ConfusionMatrix, Dataset, Metric, Registry, SampleKey, StopReason};
use mvl::data::{OnCorrupt, Split, Tile, contact_sheet, write_png};
use mvl::infer::{Input, Predictor};
use mvl::models::ClassificationTask;
use mvl::train::{StopToken, evaluate};
use serde::Serialize;

use crate::arguments::{ComputeArguments, Outcome};
use crate::backends::with_backend;
use crate::config::{RunConfig, RunFile};
use crate::job::{CONFIG_FILE, EMBEDDED, TrainingJob, evaluation_loader, open_split};
use crate::output::Output;
use crate::verbs::eval::draw;

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
    #[arg(long, value_name = "N", default_value_t = 1)]
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
    train_seconds: f64,
    model: String,
    parameters: usize,
    epochs: usize,
    run: PathBuf,
    curves: PathBuf,
    confusion_matrix: PathBuf,
    mistakes: PathBuf,
    first_test_image: FirstImage,
}

/// The first test image, as the reloaded model sees it.
#[derive(Debug, Serialize)]
struct FirstImage {
    truth: String,
    predicted: String,
    probability: f32,
}

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
    let config = RunConfig::resolve(file, &registry)?;
    clear_earlier_demo(&arguments.out)?;

    let backend = config.backend;
    let job = TrainingJob::new(config.clone(), registry.clone()).with_stop(StopToken::on_ctrl_c()?);
    let summary = with_backend!(backend, B => {
        let summary = job.run::<B>()?;
        match summary.stop_reason {
            StopReason::Interrupted => None,
            _ => Some((judge::<B>(&config, registry)?, summary)),
        }
    })?;
    let Some((judgement, trained)) = summary else {
        output.say(format!("interrupted; go on with: mvl train --resume {}", arguments.out.display()));
        return Ok(Outcome::Interrupted);
    };
    let summary = DemoSummary {
        test_accuracy: judgement.accuracy,
        train_seconds: trained.train_seconds,
        model: trained.model,
        parameters: trained.parameters,
        epochs: trained.epochs,
        run: config.run_dir.clone(),
        curves: config.run_dir.join("curves.svg"),
        confusion_matrix: config.run_dir.join(CONFUSION_FILE),
        mistakes: config.run_dir.join(MISTAKES_FILE),
        first_test_image: judgement.first,
    };
    output.result(&summary, || describe(&summary))?;
    Ok(Outcome::Done)
}

const CONFUSION_FILE: &str = "confusion.svg";
const MISTAKES_FILE: &str = "mistakes.png";

/// Only what is known to be a run is replaced.
fn clear_earlier_demo(folder: &Path) -> anyhow::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let is_run = folder.join(CONFIG_FILE).is_file();
    let is_empty = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    anyhow::ensure!(
        is_run || is_empty,
        "this folder holds something other than a run, choose another with --out; {}",
        folder.display()
    );
    fs::remove_dir_all(folder).with_context(|| format!("cannot replace the earlier demo; {}", folder.display()))
}

struct Judgement {
    accuracy: f64,
    first: FirstImage,
}

/// Reloads the saved model from its folder and judges it on the test part.
fn judge<B: Backend>(config: &RunConfig, registry: Registry) -> anyhow::Result<Judgement> {
    let predictor = Predictor::<B>::builder(config.run_dir.display().to_string())
        .with_registry(registry)
        .with_device_ordinal(config.device)
        .load()?;
    let spec = predictor.spec().clone();
    let test = open_split(EMBEDDED, Split::Test)?;
    let loader = evaluation_loader::<B>(test.clone(), &spec, config.data.batch_size, config.device, OnCorrupt::Fail)?;
    let mut matrix = ConfusionMatrix::new(spec.labels.len());
    let mut wrong = Vec::new();
    let mut seen = 0;
    let task = ClassificationTask::new(spec.clone());
    predictor.with_model(|model| {
        evaluate(&task, model, &loader, |predictions, truths, _| {
            matrix.update(predictions, truths);
            for (prediction, truth) in predictions.iter().zip(truths) {
                let (best, truth) = (prediction.best(), *truth);
                if best != truth {
                    wrong.push((seen, truth, best, prediction.top(1).first().map_or(0.0, |class| class.probability)));
                }
                seen += 1;
            }
        })
    })?;
    draw(&config.run_dir.join(CONFUSION_FILE), &matrix, &spec.labels)?;

    wrong.sort_by(|a, b| b.3.total_cmp(&a.3)); // the surest mistakes teach most
    let name = |label: Option<usize>| label.map_or_else(|| "?".to_owned(), |label| spec.labels.display(label));
    let mut tiles = Vec::new();
    for (index, truth, best, _) in wrong.into_iter().take(MISTAKES) {
        let image = Dataset::get(&*test, SampleKey::plain(index))?.image;
        tiles.push(Tile { image, caption: format!("{} > {}", name(truth), name(best)) });
    }
    write_png(&contact_sheet(&tiles, SHEET_COLUMNS, TILE_PX), config.run_dir.join(MISTAKES_FILE))?;

    let first = Dataset::get(&*test, SampleKey::plain(0))?;
    let answer = predictor.predict(Input::Image(first.image))?.top(1);
    let answer = answer.first().context("a model has classes")?;
    Ok(Judgement {
        accuracy: matrix.accuracy(),
        first: FirstImage {
            truth: name(first.annotations.label),
            predicted: answer.label.clone(),
            probability: answer.probability,
        },
    })
}

fn describe(summary: &DemoSummary) -> String {
    let run = summary.run.display();
    format!(
        "test accuracy {:.2} % on 2,000 images never trained on\n\
         {} with {} parameters, {} epochs, {:.0} s of training\n\
         reloaded from disk, it takes the first test image ({}) for: {} ({:.1} %)\n\
         curves            {}\n\
         confusion matrix  {}\n\
         mistakes          {}\n\
         next: mvl predict --model {run} PHOTO",
        100.0 * summary.test_accuracy,
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
