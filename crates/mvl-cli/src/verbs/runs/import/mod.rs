//! `mvl runs import`: runs from a file of our own, from an MLflow server, from TensorBoard's event files.

mod jsonl;
mod mlflow;
mod tensorboard;

use std::path::Path;

use clap::Args;

use crate::output::{Output, count};
use crate::workspace::open;

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// A file that `mvl runs export --out` wrote, the address of an MLflow server (http://…), or a folder with TensorBoard's event
    /// files. From a server or event files, importing twice is importing once.
    from: String,
    /// From an MLflow server, only this experiment; can be given often. From event files, the experiment that the runs go to; the
    /// folder's name otherwise.
    #[arg(long, value_name = "NAME")]
    experiment: Vec<String>,
    /// Leave the files of runs where they are.
    #[arg(long)]
    no_files: bool,
}

pub(super) fn run(arguments: ImportArguments, output: &Output) -> anyhow::Result<()> {
    let ImportArguments { from, experiment, no_files } = arguments;
    let path = Path::new(&from);
    let ids = if from.starts_with("http://") || from.starts_with("https://") {
        mlflow::import(&open()?, &from, &experiment, !no_files)?
    } else if path.is_dir() {
        anyhow::ensure!(experiment.len() < 2, "runs of event files go to one experiment, got {}", experiment.len());
        tensorboard::import(path, experiment.first().map(String::as_str), !no_files)?
    } else {
        anyhow::ensure!(
            experiment.is_empty(),
            "a file says itself which experiments its runs belong to; leave out --experiment"
        );
        jsonl::import(path)?
    };
    output.result(&ids, || format!("imported {}", count(ids.len(), "run")))
}
