//! `mvl eval`: how good is a model on labelled images?

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use mvl::core::{Backend, ConfusionMatrix, Labels, Metrics, Registry};
use mvl::data::{OnCorrupt, Split};
use mvl::train::plots::confusion_matrix_svg;
use serde::Serialize;

use crate::arguments::{ComputeArguments, Outcome};
use crate::backends::with_backend;
use crate::job::write_text;
use crate::judge::{Judgement, Measure, judge};
use crate::model_arguments::ModelArguments;
use crate::output::{Output, say, table};
use crate::training_data::{has_split, open_split};

/// Judges a trained model on labelled images: accuracy, and precision and recall of every class.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mvl eval --model runs/demo --data embedded:fashion-mnist --split test --confusion-matrix confusion.svg")]
pub(crate) struct EvalArguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Labelled images, as for `mvl train`; class names must be those of the model.
    #[arg(long, value_name = "PATH")]
    data: String,
    /// Which part; `test` where there is one, otherwise everything.
    #[arg(long, value_enum)]
    split: Option<SplitChoice>,
    /// Draw the confusion matrix into this SVG file.
    #[arg(long, value_name = "FILE")]
    confusion_matrix: Option<PathBuf>,
    /// Figures beside the task's own, such as `macro_f1,auroc`; an unknown one lists all.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    metrics: Vec<String>,
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
    Valid,
    Test,
    All,
}

impl From<SplitChoice> for Split {
    fn from(choice: SplitChoice) -> Self {
        match choice {
            SplitChoice::Train => Self::Train,
            SplitChoice::Valid => Self::Valid,
            SplitChoice::Test => Self::Test,
            SplitChoice::All => Self::All,
        }
    }
}

/// What an evaluation came to.
#[derive(Debug, Serialize)]
struct Evaluation {
    samples: usize,
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
    let evaluation = with_backend!(backend, B => evaluate::<B>(&arguments, registry)?)?;
    output.result(&evaluation, || describe(&evaluation))?;
    Ok(Outcome::Done)
}

fn evaluate<B: Backend>(arguments: &EvalArguments, registry: Registry) -> anyhow::Result<Evaluation> {
    let ordinal = arguments.compute.device.unwrap_or(0);
    let trained = arguments.model.load_trained::<B>(registry, ordinal)?;
    let labels = &trained.spec.labels;
    let split = match arguments.split {
        Some(choice) => choice.into(),
        None if has_split(&arguments.data, Split::Test)? => Split::Test,
        None => Split::All,
    };
    let dataset = open_split(&arguments.data, split)?;
    check_labels(labels, dataset.labels(), &arguments.data)?;

    let policy = if arguments.skip_corrupt { OnCorrupt::Skip } else { OnCorrupt::Fail };
    let measure =
        Measure { batch_size: arguments.batch_size as usize, ordinal, on_corrupt: policy, metrics: &arguments.metrics };
    let Judgement { metrics, samples, matrix, skipped, .. } = judge::<B>(&trained, dataset, &measure)?;
    skipped.iter().for_each(|sample| say(format!("left out: {}", sample.reason)));
    let one_class_each = matrix.total() > 0;
    if let Some(path) = &arguments.confusion_matrix {
        anyhow::ensure!(
            one_class_each,
            "no confusion matrix: the images of a model for {:?} do not have one class each",
            trained.spec.task
        );
        draw(path, &matrix, labels)?;
        say(format!("wrote {}", path.display()));
    }
    let classes = (0..if one_class_each { matrix.classes() } else { 0 }).map(|class| ClassFigures {
        label: labels.display(class),
        precision: matrix.precision(class),
        recall: matrix.recall(class),
    });
    Ok(Evaluation { samples, skipped: skipped.len(), metrics, classes: classes.collect() })
}

/// Draws a confusion matrix into a file.
pub(crate) fn draw(path: &Path, matrix: &ConfusionMatrix, labels: &Labels) -> anyhow::Result<()> {
    write_text(path, &confusion_matrix_svg(matrix, labels, "Confusion matrix"))
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
    if rows.is_empty() {
        return heading;
    }
    format!("{}\n\n{heading}", table(&["class", "precision", "recall"], &rows))
}
