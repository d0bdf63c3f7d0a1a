//! `mvl models`: what can be trained, what weights are known, and files for other programs.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use mvl::core::{Backbone, Backend, InputSides, ModelConfig, Registry, Tap, count_parameters};
use mvl::models::weights::{
    HeadPolicy, OutputDifference, WeightsCard, compare_with_reference, load_weights, save_safetensors, weights_cards,
};
use serde::Serialize;

use crate::arguments::{ComputeArguments, Outcome};
use crate::backends::{BackendChoice, with_backend};
use crate::model_arguments::ModelArguments;
use crate::output::{Output, table, thousands};

/// The number of classes that listed parameter counts are for: ImageNet's.
const LISTED_CLASSES: usize = 1000;

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsVerb {
    /// All models by name, or all known weights.
    List {
        /// List weights (for `predict --model` and `train --weights`) instead of models.
        #[arg(long)]
        weights: bool,
    },
    /// One model: parameters, and the taps its features can be taken from.
    Show {
        /// Name in `mvl models list`.
        name: String,
    },
    /// Write a trained model's weights as safetensors under torchvision's keys.
    Export(ExportArguments),
    /// Compare a model with the answers of its reference implementation (scripts/compare_zoo.py writes them).
    Compare(CompareArguments),
}

#[derive(Debug, Args)]
pub(crate) struct CompareArguments {
    /// Name in `mvl models list`.
    name: String,
    /// The reference's weights: .safetensors or .pth under its keys.
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
    /// Pictures, logits and taps of the reference as safetensors: 0.input, 0.logits, 0.tap.NAME, 1.input …
    #[arg(long, value_name = "FILE")]
    expected: PathBuf,
    /// Write the weights back to this .safetensors file under the reference's keys.
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// Classes of the weights.
    #[arg(long, default_value_t = LISTED_CLASSES)]
    num_classes: usize,
    #[command(flatten)]
    compute: ComputeArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    #[command(flatten)]
    model: ModelArguments,
    /// The .safetensors file to write.
    #[arg(value_name = "OUT")]
    out: PathBuf,
    #[command(flatten)]
    compute: ComputeArguments,
}

#[derive(Debug, Serialize)]
struct ModelRow {
    name: String,
    family: String,
    task: &'static str,
    parameters: usize,
}

#[derive(Debug, Serialize)]
struct WeightsRow {
    id: &'static str,
    model: &'static str,
    classes: usize,
    licence: &'static str,
    url: &'static str,
}

#[derive(Debug, Serialize)]
struct ModelSheet {
    #[serde(flatten)]
    row: ModelRow,
    input_side: usize,
    sides: InputSides,
    taps: Vec<Tap>,
}

pub(crate) fn run(verb: ModelsVerb, registry: Registry, output: &Output) -> anyhow::Result<Outcome> {
    match verb {
        ModelsVerb::List { weights: false } => list(&registry, output)?,
        ModelsVerb::List { weights: true } => list_weights(output)?,
        ModelsVerb::Show { name } => show(&name, &registry, output)?,
        ModelsVerb::Export(arguments) => export(arguments, registry, output)?,
        ModelsVerb::Compare(arguments) => compare(&arguments, &registry, output)?,
    }
    Ok(Outcome::Done)
}

fn list(registry: &Registry, output: &Output) -> anyhow::Result<()> {
    let names: Vec<_> = registry.models().map(|factory| factory.name().to_owned()).collect();
    let rows = names.iter().map(|name| sheet(name, registry).map(|sheet| sheet.row));
    let rows = rows.collect::<anyhow::Result<Vec<_>>>()?;
    output.result(&rows, || {
        let cells = |row: &ModelRow| {
            vec![
                row.name.clone(),
                row.family.clone(),
                row.task.to_owned(),
                format!("{:>11}", thousands(row.parameters)),
            ]
        };
        let cells: Vec<_> = rows.iter().map(cells).collect();
        format!(
            "{}\n\nparameters with {LISTED_CLASSES} classes",
            table(&["name", "family", "task", " parameters"], &cells)
        )
    })
}

fn list_weights(output: &Output) -> anyhow::Result<()> {
    let row = |card: &WeightsCard| WeightsRow {
        id: card.id,
        model: card.model,
        classes: card.num_classes,
        licence: card.licence,
        url: card.url,
    };
    let rows: Vec<_> = weights_cards().iter().map(row).collect();
    output.result(&rows, || {
        let cells = |row: &WeightsRow| {
            vec![row.id.to_owned(), row.model.to_owned(), row.licence.to_owned(), row.url.to_owned()]
        };
        let cells: Vec<_> = rows.iter().map(cells).collect();
        table(&["weights", "model", "licence", "from"], &cells)
    })
}

/// Parameters are counted without being initialised, so this is quick for any size.
fn sheet(name: &str, registry: &Registry) -> anyhow::Result<ModelSheet> {
    let device = with_backend!(BackendChoice::default(), B => B::device(0)?)?;
    let model = registry.create_classifier(&ModelConfig::new(name, LISTED_CLASSES), &device)?;
    let row = ModelRow {
        name: name.to_owned(),
        family: registry.model(name)?.family().to_owned(),
        task: "classification",
        parameters: count_parameters(&model),
    };
    let input_side = registry.model(name)?.input_side();
    Ok(ModelSheet { row, input_side, sides: model.backbone.sides(), taps: model.backbone.taps().to_vec() })
}

fn show(name: &str, registry: &Registry, output: &Output) -> anyhow::Result<()> {
    let sheet = sheet(name, registry)?;
    output.result(&sheet, || {
        let cells = |tap: &Tap| vec![tap.name.clone(), format!("{:>8}", tap.channels), format!("{:>6}", tap.stride)];
        let cells: Vec<_> = sheet.taps.iter().map(cells).collect();
        let ModelRow { name, family, task, parameters } = &sheet.row;
        format!(
            "{name} ({family}, {task}), {} parameters with {LISTED_CLASSES} classes\n\n{}",
            thousands(*parameters),
            table(&["tap", "channels", "stride"], &cells)
        )
    })
}

fn compare(arguments: &CompareArguments, registry: &Registry, output: &Output) -> anyhow::Result<()> {
    let CompareArguments { name, weights, expected, export, num_classes, compute } = arguments;
    let device = with_backend!(compute.backend.unwrap_or_default(), B => B::device(0)?)?;
    let config = ModelConfig::new(name, *num_classes);
    let model = registry.create_classifier(&config, &device)?;
    let (model, report) = load_weights(model, &config, registry, weights, HeadPolicy::Strict)?;
    let differences = compare_with_reference(&model, expected)?;
    if let Some(path) = export {
        save_safetensors(&model, &config, registry, path)?;
    }
    output.result(&differences, || {
        let cells = |row: &OutputDifference| {
            vec![
                row.output.clone(),
                format!("{:?}", row.shape),
                format!("{:.1e}", row.largest),
                format!("{:.2}", row.rms),
            ]
        };
        let cells: Vec<_> = differences.iter().map(cells).collect();
        format!("{report}\n\n{}", table(&["output", "shape", "difference", "rms"], &cells))
    })
}

fn export(arguments: ExportArguments, registry: Registry, output: &Output) -> anyhow::Result<()> {
    let backend = arguments.compute.backend.unwrap_or_default();
    let name = with_backend!(backend, B => write_export::<B>(&arguments, &registry)?)?;
    let written = serde_json::json!({ "path": arguments.out, "model": name });
    output.result(&written, || format!("wrote {}", arguments.out.display()))
}

/// Writes the weights and gives the model's name.
fn write_export<B: Backend>(arguments: &ExportArguments, registry: &Registry) -> anyhow::Result<String> {
    let out = &arguments.out;
    anyhow::ensure!(
        out.extension().is_some_and(|extension| extension == "safetensors"),
        "expected a file that ends in .safetensors, the format that is written; {}",
        out.display()
    );
    let predictor = arguments.model.load::<B>(registry.clone(), arguments.compute.device.unwrap_or(0))?;
    let config = &predictor.spec().model;
    predictor.with_model(|model| save_safetensors(model, config, registry, out))?;
    Ok(config.name.clone())
}
