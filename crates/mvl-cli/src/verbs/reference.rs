//! `mvl models reference`: what pictures and answers are like on a data set, for drift.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use mvl::core::{Backend, Registry};
use mvl::data::Split;
use mvl::infer::drift::DriftReference;
use mvl::models::saved_model_in;
use serde_json::json;

use crate::arguments::{ComputeArguments, Outcome};
use crate::backends::with_backend;
use crate::model_arguments::ModelArguments;
use crate::output::{Output, count};
use crate::reference::{LEAST_ROWS, ROWS, gather};
use crate::training_data::{has_split, open_split};
use crate::verbs::eval::SplitChoice;

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mvl models reference --model runs/demo --data embedded:fashion-mnist --split test")]
pub(crate) struct ReferenceArguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Images like those that the model is to see, as for `mvl train`; their classes do not matter.
    #[arg(long, value_name = "PATH")]
    data: String,
    /// Which part; `valid` where there is one, otherwise everything.
    #[arg(long, value_enum)]
    split: Option<SplitChoice>,
    /// How many images to look at.
    #[arg(long, value_name = "N", default_value_t = ROWS)]
    rows: usize,
    /// The folder to write reference.json to; the saved model's own unless said otherwise.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    compute: ComputeArguments,
}

pub(crate) fn run(arguments: &ReferenceArguments, registry: Registry, output: &Output) -> anyhow::Result<Outcome> {
    let folder = match &arguments.out {
        Some(folder) => folder.clone(),
        None => saved_model_in(arguments.model.path())
            .context("the model is not a saved model's folder: say by --out where reference.json is to go")?,
    };
    let backend = arguments.compute.backend.unwrap_or_default();
    let reference = with_backend!(backend, B => reference::<B>(arguments, registry)?)?;
    let file = reference.write(&folder)?;
    let told = json!({ "file": file, "rows": reference.rows });
    output.result(&told, || format!("{}: {} looked at", file.display(), count(reference.rows as usize, "image")))?;
    Ok(Outcome::Done)
}

fn reference<B: Backend>(arguments: &ReferenceArguments, registry: Registry) -> anyhow::Result<DriftReference> {
    let predictor = arguments.model.load::<B>(registry, arguments.compute.device.unwrap_or(0))?;
    let split = match arguments.split {
        Some(choice) => choice.into(),
        None if has_split(&arguments.data, Split::Valid)? => Split::Valid,
        None => Split::All,
    };
    let data = open_split(&arguments.data, split)?;
    gather(&predictor, &*data, arguments.rows)
        .with_context(|| format!("expected at least {LEAST_ROWS} images that can be read; {}", arguments.data))
}
