//! `mvl predict`: what is in these images?

use std::path::PathBuf;

use clap::Args;
use mvl::core::{Backend, Registry};
use mvl::infer::{Input, TopClass};
use serde::Serialize;

use crate::arguments::{ComputeArguments, Outcome};
use crate::backends::with_backend;
use crate::model_arguments::ModelArguments;
use crate::output::{Output, table};

/// Says what is in images: the likeliest classes with their probabilities.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mvl predict --model runs/demo photo.jpg
  mvl predict --model mobilenet_v2.imagenet1k_v1 *.jpg --json
  mvl predict --model hf://timm/resnet50.a1_in1k photo.jpg")]
pub(crate) struct PredictArguments {
    #[command(flatten)]
    model: ModelArguments,
    /// How many classes to show.
    #[arg(long, value_name = "K", default_value_t = 5)]
    top: usize,
    /// Images a forward pass.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=4096))]
    batch_size: u32,
    /// JPEG, PNG, WebP or BMP files.
    #[arg(required = true, value_name = "PHOTO")]
    photos: Vec<PathBuf>,
    #[command(flatten)]
    compute: ComputeArguments,
}

/// One photo's answer.
#[derive(Debug, Serialize)]
struct Answer {
    path: PathBuf,
    top: Vec<TopClass>,
}

pub(crate) fn run(arguments: PredictArguments, registry: Registry, output: &Output) -> anyhow::Result<Outcome> {
    let backend = arguments.compute.backend.unwrap_or_default();
    let (answers, failures) = with_backend!(backend, B => predict::<B>(&arguments, registry)?)?;
    output.result(&answers, || answers.iter().map(describe).collect::<Vec<_>>().join("\n\n"))?;
    if failures.is_empty() {
        return Ok(Outcome::Done);
    }
    anyhow::bail!("{} of {} photos failed:\n  {}", failures.len(), arguments.photos.len(), failures.join("\n  "))
}

/// The answers in order, and what went wrong with the other photos.
fn predict<B: Backend>(arguments: &PredictArguments, registry: Registry) -> anyhow::Result<(Vec<Answer>, Vec<String>)> {
    let predictor = arguments.model.load::<B>(registry, arguments.compute.device.unwrap_or(0))?;
    let (mut answers, mut failures) = (Vec::new(), Vec::new());
    for photos in arguments.photos.chunks(arguments.batch_size as usize) {
        let inputs = photos.iter().map(|path| Input::Path(path)).collect();
        for (path, prediction) in photos.iter().zip(predictor.predict_batch(inputs)) {
            match prediction {
                Ok(prediction) => answers.push(Answer { path: path.clone(), top: prediction.top(arguments.top) }),
                Err(error) => failures.push(format!("{:#}", anyhow::Error::from(error))),
            }
        }
    }
    Ok((answers, failures))
}

fn describe(answer: &Answer) -> String {
    let row = |class: &TopClass| {
        vec![format!("{:5.1} %", 100.0 * class.probability), class.label.clone(), format!("{:>5}", class.index)]
    };
    let rows: Vec<_> = answer.top.iter().map(row).collect();
    format!("{}\n{}", answer.path.display(), table(&["      p", "class", "index"], &rows))
}
