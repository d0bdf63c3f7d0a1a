//! `mvl eval`: how good is a model on labelled images?

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use mvl::core::{Backend, ConfusionMatrix, Labels, Metric, Metrics, Registry};
use mvl::data::{OnCorrupt, Split};
use mvl::infer::Predictor;
use mvl::models::ClassificationTask;
use mvl::train::evaluate;
use mvl::train::plots::confusion_matrix_svg;
use serde::Serialize;

use crate::arguments::{ComputeArguments, Outcome};
use crate::backends::with_backend;
use crate::job::{evaluation_loader, has_split, open_split, write};
use crate::output::{Output, table};

/// Judges a trained model on labelled images: accuracy, and precision and recall of every class.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mvl eval --model runs/demo --data embedded:fashion-mnist --split test --confusion-matrix confusion.svg")]
pub(crate) struct EvalArguments {
    /// A run's folder, a saved model's folder, or a weights name.
    #[arg(long, value_name = "MODEL")]
    model: String,
    /// The weights file of a weights name.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Labelled images, as for `mvl train`; class names must be those of the model.
    #[arg(long, value_name = "PATH")]
    data: String,
    /// Which part; `test` where there is one, otherwise everything.
    #[arg(long, value_enum)]
    split: Option<SplitChoice>,
    /// Draw the confusion matrix into this SVG file.
    #[arg(long, value_name = "FILE")]
    confusion_matrix: Option<PathBuf>,
    /// Leave out images that cannot be read, instead of failing.
    #[arg(long)]
    skip_corrupt: bool,
    /// Images a forward pass.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65536))]
    batch_size: u32,
    #[command(flatten)]
    compute: ComputeArguments,
}

/// A part of a data set, on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SplitChoice {
    Train,
    Test,
    All,
}

impl From<SplitChoice> for Split {
    fn from(choice: SplitChoice) -> Self {
        match choice {
            SplitChoice::Train => Self::Train,
            SplitChoice::Test => Self::Test,
            SplitChoice::All => Self::All,
        }
    }
}

/// What an evaluation came to.
#[derive(Debug, Serialize)]
struct Evaluation {
    samples: u64,
    skipped: usize,
    metrics: Metrics,
    classes: Vec<ClassFigures>,
}

#[derive(Debug, Serialize)]
struct ClassFigures {
    label: String,
    precision: f64,
    recall: f64,
}

pub(crate) fn run(arguments: EvalArguments, registry: Registry, output: &Output) -> anyhow::Result<Outcome> {
    let backend = arguments.compute.backend.unwrap_or_default();
    let evaluation = with_backend!(backend, B => judge::<B>(&arguments, registry, output)?)?;
    output.result(&evaluation, || describe(&evaluation))?;
    Ok(Outcome::Done)
}

fn judge<B: Backend>(arguments: &EvalArguments, registry: Registry, output: &Output) -> anyhow::Result<Evaluation> {
    let ordinal = arguments.compute.device.unwrap_or(0);
    let mut builder = Predictor::<B>::builder(&arguments.model).with_registry(registry).with_device_ordinal(ordinal);
    if let Some(weights) = &arguments.weights {
        builder = builder.with_weights(weights);
    }
    let predictor = builder.load()?;
    let spec = predictor.spec().clone();
    let split = match arguments.split {
        Some(choice) => choice.into(),
        None if has_split(&arguments.data, Split::Test)? => Split::Test,
        None => Split::All,
    };
    let dataset = open_split(&arguments.data, split)?;
    check_labels(&spec.labels, dataset.labels(), &arguments.data)?;

    let policy = if arguments.skip_corrupt { OnCorrupt::Skip } else { OnCorrupt::Fail };
    let loader = evaluation_loader::<B>(dataset, &spec, arguments.batch_size as usize, ordinal, policy)?;
    let mut matrix = ConfusionMatrix::new(spec.labels.len());
    let task = ClassificationTask::new(spec.clone());
    let metrics = predictor.with_model(|model| {
        evaluate(&task, model, &loader, |predictions, truths, _| matrix.update(predictions, truths))
    })?;
    let skipped = mvl::core::DataLoader::take_skipped(&loader);
    for sample in &skipped {
        output.say(format!("left out: {}", sample.reason));
    }
    if let Some(path) = &arguments.confusion_matrix {
        draw(path, &matrix, &spec.labels)?;
        output.say(format!("wrote {}", path.display()));
    }
    let classes = (0..matrix.classes()).map(|class| ClassFigures {
        label: spec.labels.display(class),
        precision: matrix.precision(class),
        recall: matrix.recall(class),
    });
    Ok(Evaluation { samples: matrix.total(), skipped: skipped.len(), metrics, classes: classes.collect() })
}

/// Draws a confusion matrix into a file.
pub(crate) fn draw(path: &Path, matrix: &ConfusionMatrix, labels: &Labels) -> anyhow::Result<()> {
    write(path, &confusion_matrix_svg(matrix, labels, "Confusion matrix")).context("cannot write the picture")
}

fn check_labels(model: &Labels, data: &Labels, path: &str) -> anyhow::Result<()> {
    let unnamed = model.len() == data.len() && data.iter().enumerate().all(|(index, name)| name == index.to_string());
    let same = model == data || unnamed;
    anyhow::ensure!(
        same,
        "the data's classes are not the model's: expected {}, got {}; {path}",
        shorten(model),
        shorten(data)
    );
    Ok(())
}

fn shorten(labels: &Labels) -> String {
    const SHOWN: usize = 8;
    let names: Vec<_> = labels.iter().take(SHOWN).collect();
    let more = if labels.len() > SHOWN { ", …" } else { "" };
    format!("{} classes ({}{more})", labels.len(), names.join(", "))
}

fn describe(evaluation: &Evaluation) -> String {
    let figures: Vec<_> = evaluation.metrics.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
    let row = |class: &ClassFigures| {
        vec![class.label.clone(), format!("{:9.4}", class.precision), format!("{:6.4}", class.recall)]
    };
    let rows: Vec<_> = evaluation.classes.iter().map(row).collect();
    let heading = format!("{} images: {}", evaluation.samples, figures.join(", "));
    format!("{}\n\n{heading}", table(&["class", "precision", "recall"], &rows))
}
