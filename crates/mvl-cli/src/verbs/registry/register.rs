//! `mvl registry register`.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use mvl::models::saved_model_in;
use mvl::track::manifest::{Lineage, ModelCard};
use serde_json::json;

use crate::output::Output;
use crate::tracking::register_folder;
use crate::workspace::open;

#[derive(Debug, Args)]
pub(crate) struct RegisterArguments {
    /// The model's name.
    name: String,
    /// A run's folder, or a saved model's.
    folder: PathBuf,
    /// The run that made it, by id.
    #[arg(long, value_name = "RUN")]
    run_id: Option<String>,
    /// A model card (TOML): summary, intended_use, limitations, licence, training_data, metrics by set.
    #[arg(long, value_name = "FILE")]
    card: Option<PathBuf>,
    /// A figure for the card, such as test:accuracy=0.93; can be given often.
    #[arg(long, value_name = "SET:NAME=VALUE", value_parser = figure)]
    metric: Vec<(String, String, f64)>,
}

fn figure(text: &str) -> Result<(String, String, f64), String> {
    let expected = || format!("expected SET:NAME=VALUE, such as test:accuracy=0.93, got {text:?}");
    let (name, value) = text.rsplit_once('=').ok_or_else(expected)?;
    let (set, name) = name.split_once(':').ok_or_else(expected)?;
    let value: f64 = value.trim().parse().map_err(|_| expected())?;
    if set.is_empty() || name.is_empty() || !value.is_finite() {
        return Err(expected());
    }
    Ok((set.to_owned(), name.to_owned(), value))
}

pub(super) fn run(arguments: RegisterArguments, output: &Output) -> anyhow::Result<()> {
    let folder = saved_model_in(&arguments.folder)
        .with_context(|| format!("no saved model here; {}", arguments.folder.display()))?;
    let mut card = match &arguments.card {
        Some(file) => {
            let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            toml::from_str(&text).with_context(|| format!("no model card; {}", file.display()))?
        }
        None => ModelCard::default(),
    };
    for (set, name, value) in arguments.metric {
        card.metrics.entry(set).or_default().insert(name, value);
    }
    let lineage = Lineage {
        run_id: arguments.run_id,
        code_version: Some(concat!("mvl ", env!("CARGO_PKG_VERSION")).to_owned()),
        ..Lineage::default()
    };
    let version = register_folder(&open()?, &arguments.name, &folder, card, lineage)?;
    let address = format!("models:/{}/{}", version.name, version.version);
    let told =
        json!({"name": version.name, "version": version.version, "address": address, "digest": version.manifest});
    output.result(&told, || format!("registered as {address}"))
}
