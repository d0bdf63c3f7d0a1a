//! `mvl models`: what can be trained, what weights are known, and files for other programs.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use mvl::core::{
    Backbone, Backend, InputSides, ModelConfig, ModelFactory, Preprocess, Registry, Tap, count_parameters,
};
use mvl::models::weights::{
    LoadPolicy, OutputDifference, WeightsCard, compare_with_reference, load_weights, save_safetensors, weights_cards,
};
use mvl::models::{PartSummary, summarize};
use serde::Serialize;

use crate::arguments::{ComputeArguments, Outcome};
use crate::backends::{BackendChoice, with_backend};
use crate::downloads::weights_hub;
use crate::model_arguments::ModelArguments;
use crate::output::{Output, table, thousands};
use crate::verbs::reference::{self, ReferenceArguments};

/// The number of classes that listed parameter counts are for: ImageNet's.
const LISTED_CLASSES: usize = 1000;

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsVerb {
    /// Models by name, or all known weights.
    List {
        /// Only models with names like this, such as 'resnet*'.
        #[arg(default_value = "*", hide_default_value = true)]
        pattern: String,
        /// Only models of this family.
        #[arg(long, value_name = "FAMILY")]
        family: Option<String>,
        /// List weights (for `predict --model` and `train --weights`) instead of models.
        #[arg(long)]
        weights: bool,
    },
    /// One model: parameters, and the taps its features can be taken from.
    Show {
        /// Name in `mvl models list`.
        name: String,
    },
    /// What each part of a model costs on one picture: parameters, multiply-adds, activations.
    Summary(SummaryArguments),
    /// Write a trained model's weights as safetensors under torchvision's keys.
    Export(ExportArguments),
    /// Write what pictures and answers are like on a data set beside a model; a server then tells how far they drift from it.
    Reference(ReferenceArguments),
    /// Compare a model with the answers of its reference implementation (scripts/compare_zoo.py writes them).
    Compare(CompareArguments),
}

#[derive(Debug, Args)]
pub(crate) struct SummaryArguments {
    /// Name in `mvl models list`.
    name: String,
    /// Height and width of the picture, such as 224x224; what the model was published for unless said otherwise.
    #[arg(long, value_name = "HxW", value_parser = parse_size)]
    size: Option<[usize; 2]>,
    /// Channels of the picture.
    #[arg(long, value_name = "N", default_value_t = 3)]
    in_channels: usize,
    /// Classes to tell apart.
    #[arg(long, value_name = "N", default_value_t = LISTED_CLASSES)]
    num_classes: usize,
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
    top_1: Option<f32>,
    top_5: Option<f32>,
    size_mib: Option<f32>,
    parameters: Option<usize>,
    licence: &'static str,
    source: &'static str,
    paper: Option<&'static str>,
    recipe: Option<&'static str>,
    url: &'static str,
    sha256: Option<&'static str>,
    preprocess: Preprocess,
    /// Where the file is, if it is on this machine.
    file: Option<PathBuf>,
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
        ModelsVerb::List { weights: true, pattern, family } => {
            list_weights(&registry, &pattern, family.as_deref(), output)?
        }
        ModelsVerb::List { pattern, family, .. } => list(&registry, &pattern, family.as_deref(), output)?,
        ModelsVerb::Show { name } => show(&name, &registry, output)?,
        ModelsVerb::Summary(arguments) => summary(&arguments, &registry, output)?,
        ModelsVerb::Export(arguments) => export(arguments, registry, output)?,
        ModelsVerb::Reference(arguments) => return reference::run(&arguments, registry, output),
        ModelsVerb::Compare(arguments) => compare(&arguments, &registry, output)?,
    }
    Ok(Outcome::Done)
}

/// Names that fit the pattern and the family.
fn chosen_names(registry: &Registry, pattern: &str, family: Option<&str>) -> anyhow::Result<Vec<String>> {
    if let Some(family) = family {
        let known: BTreeSet<_> = registry.models().map(|factory| factory.family()).collect();
        let names = || known.iter().copied().collect::<Vec<_>>().join(", ");
        anyhow::ensure!(known.contains(family), "unknown family {family:?}; known families: {}", names());
    }
    let wanted = |factory: &&dyn ModelFactory| family.is_none_or(|family| factory.family() == family);
    let names: Vec<_> = registry.filter(pattern).filter(wanted).map(|factory| factory.name().to_owned()).collect();
    anyhow::ensure!(!names.is_empty(), "no model has a name like {pattern:?}; `mvl models list` shows all");
    Ok(names)
}

fn list(registry: &Registry, pattern: &str, family: Option<&str>, output: &Output) -> anyhow::Result<()> {
    let names = chosen_names(registry, pattern, family)?;
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

fn list_weights(registry: &Registry, pattern: &str, family: Option<&str>, output: &Output) -> anyhow::Result<()> {
    let models: BTreeSet<_> = chosen_names(registry, pattern, family)?.into_iter().collect();
    let hub = weights_hub(true);
    let row = |card: &WeightsCard| WeightsRow {
        id: card.id,
        model: card.model,
        classes: card.num_classes,
        top_1: card.top_1,
        top_5: card.top_5,
        size_mib: card.size_mib,
        parameters: card.parameters,
        licence: card.licence,
        source: card.source,
        paper: card.paper,
        recipe: card.recipe,
        url: card.url,
        sha256: card.sha256_prefix(),
        preprocess: card.preprocess(),
        file: hub.find_card(card),
    };
    let known = weights_cards().iter().filter(|card| models.contains(card.model));
    let rows: Vec<_> = known.map(row).collect();
    output.result(&rows, || {
        let number = |value: Option<f32>, width: usize, decimals: usize| {
            value.map_or_else(|| format!("{:>width$}", "-"), |value| format!("{value:>width$.decimals$}"))
        };
        let cells = |row: &WeightsRow| {
            vec![
                row.id.to_owned(),
                format!("{:>7}", row.classes),
                number(row.top_1, 5, 1),
                number(row.top_5, 5, 1),
                number(row.size_mib, 6, 0),
                row.licence.to_owned(),
                if row.file.is_some() { "yes" } else { "" }.to_owned(),
            ]
        };
        let cells: Vec<_> = rows.iter().map(cells).collect();
        format!(
            "{}\n\nscores in percent on ImageNet-1k, sizes in MiB, as published; files are kept in {}",
            table(&["weights", "classes", "top 1", "top 5", "  size", "licence", "here"], &cells),
            hub.folder().display()
        )
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

/// `224x224`, or `224` for both sides.
pub(crate) fn parse_size(text: &str) -> Result<[usize; 2], String> {
    let (height, width) = text.split_once('x').unwrap_or((text, text));
    match (height.parse(), width.parse()) {
        (Ok(height), Ok(width)) => Ok([height, width]),
        _ => Err(format!("expected height and width in pixels, such as 224x224, got {text:?}")),
    }
}

fn summary(arguments: &SummaryArguments, registry: &Registry, output: &Output) -> anyhow::Result<()> {
    let SummaryArguments { name, size, in_channels, num_classes } = arguments;
    let [height, width] = size.unwrap_or([registry.model(name)?.input_side(); 2]);
    let device = with_backend!(BackendChoice::default(), B => B::device(0)?)?;
    let config = ModelConfig::new(name, *num_classes).with_in_channels(*in_channels);
    let model = registry.create_classifier(&config, &device)?;
    let sides = model.backbone.sides();
    anyhow::ensure!(
        sides.allow(height) && sides.allow(width),
        "{name} takes sides of at least {} pixels in steps of {}, got {height}x{width}",
        sides.min,
        sides.multiple_of
    );
    let summary = summarize(model, [*in_channels, height, width])?;
    output.result(&summary, || {
        let cells = |part: &PartSummary| {
            let output: Vec<_> = part.output.iter().map(ToString::to_string).collect();
            vec![
                part.part.clone(),
                output.join(" × "),
                format!("{:>12}", thousands(part.parameters)),
                format!("{:>18}", thousands(part.multiply_adds as usize)),
                format!("{:>15.2}", part.activation_mib),
            ]
        };
        let mut cells: Vec<_> = summary.parts.iter().map(cells).collect();
        cells.push(vec![
            "total".to_owned(),
            String::new(),
            format!("{:>12}", thousands(summary.parameters)),
            format!("{:>18}", thousands(summary.multiply_adds as usize)),
            format!("{:>15.2}", summary.activation_mib),
        ]);
        format!(
            "{name} on a picture of {in_channels} × {height} × {width}, {num_classes} classes\n\n{}\n\n\
             multiply-adds and activations of convolutions, linear layers and matrix products; activations in 32 bits",
            table(&["up to", "output", "  parameters", "     multiply-adds", "activations/MiB"], &cells)
        )
    })
}

fn compare(arguments: &CompareArguments, registry: &Registry, output: &Output) -> anyhow::Result<()> {
    let CompareArguments { name, weights, expected, export, num_classes, compute } = arguments;
    let device = with_backend!(compute.backend.unwrap_or_default(), B => B::device(0)?)?;
    let config = ModelConfig::new(name, *num_classes);
    let model = registry.create_classifier(&config, &device)?;
    let (model, report) = load_weights(model, &config, registry, weights, LoadPolicy::strict())?;
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
    let trained = arguments.model.load_trained::<B>(registry.clone(), arguments.compute.device.unwrap_or(0))?;
    save_safetensors(&trained.model, &trained.spec.model, registry, out)?;
    Ok(trained.spec.model.name)
}
