//! `mvl export`: a trained model as a file for other programs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use clap::{Args, ValueEnum};
use mvl::core::{Backend, Classifier, ClassifierSpec, ModelConfig, Registry};
use mvl::infer::export::{OnnxAnswer, OnnxExport, OnnxSummary, with_trial_weights, write_trial};
use mvl::infer::{Predictor, TrainedClassifier};
use mvl::models::weights::save_safetensors;
use serde::Serialize;

use super::models::parse_size;
use crate::arguments::{ComputeArguments, Outcome};
use crate::backends::with_backend;
use crate::downloads::weights_hub;
use crate::output::{Output, count};

/// Numbers of pictures that a trial has answers for, where the number is free.
const TRIAL_BATCHES: [usize; 3] = [1, 2, 5];
/// Classes of a model without trained weights: ImageNet's.
const UNTRAINED_CLASSES: usize = 1000;
/// The task whose classes have a probability each.
const MULTI_LABEL: &str = "multi_label";
const MEGABYTE: f64 = 1e6;

/// Writes a trained model for other programs: ONNX for onnxruntime and its like, safetensors for PyTorch.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mvl export runs/demo --size 28 -o demo.onnx
  mvl export mobilenet_v2.imagenet1k_v1 --answer probabilities -o mobilenet.onnx
  mvl export models:/trees@production --batch 8 -o trees.onnx
  mvl export runs/demo --to safetensors -o demo.safetensors")]
pub(crate) struct ExportArguments {
    /// A run's folder, a saved model's folder, a registered model (models:/NAME@ALIAS), a weights name (`mvl models list --weights`), or a
    /// model in timm's layout; with --untrained a name of `mvl models list`.
    model: OsString,
    /// The weights file of a weights name (.pth or .safetensors), which is downloaded otherwise.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Download nothing.
    #[arg(long)]
    offline: bool,
    /// The format; what the file's name ends in unless said otherwise.
    #[arg(long, value_enum, value_name = "FORMAT")]
    to: Option<Format>,
    /// The file to write.
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    onnx: OnnxArguments,
    #[command(flatten)]
    compute: ComputeArguments,
}

/// What only ONNX files have.
#[derive(Debug, Args)]
#[command(next_help_heading = "ONNX")]
struct OnnxArguments {
    /// Height and width of the pictures, such as 224x224; what the model was trained for unless said otherwise.
    #[arg(long, value_name = "HxW", value_parser = parse_size)]
    size: Option<[usize; 2]>,
    /// Exactly so many pictures at a time, instead of any number.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65536))]
    batch: Option<u32>,
    /// What the model puts out.
    #[arg(long, value_enum, default_value_t = Answer::Logits)]
    answer: Answer,
    /// Keep normalisations apart from convolutions.
    #[arg(long)]
    unfused: bool,
    /// Keep weights in a file of their own, FILE.data; above 2 GiB they are anyway.
    #[arg(long)]
    external_weights: bool,
    /// Random weights instead of trained ones, to try or measure another engine.
    #[arg(long, conflicts_with = "weights")]
    untrained: bool,
    /// Also write random pictures and our answers to them to this folder, as NumPy files (scripts/check_onnx.py compares).
    #[arg(long, value_name = "FOLDER")]
    trial: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For onnxruntime, OpenVINO, TensorRT, rten, tract …
    Onnx,
    /// Weights alone, under torchvision's or timm's keys.
    Safetensors,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Answer {
    Logits,
    Probabilities,
}

/// What was written.
#[derive(Debug, Serialize)]
struct Written {
    model: String,
    format: &'static str,
    #[serde(flatten)]
    onnx: Option<OnnxSummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<PathBuf>,
}

pub(crate) fn run(arguments: ExportArguments, registry: Registry, output: &Output) -> anyhow::Result<Outcome> {
    let format = arguments.format()?;
    let backend = arguments.compute.backend.unwrap_or_default();
    let written = with_backend!(backend, B => arguments.export::<B>(format, registry)?)?;
    output.result(&written, || describe(&written, &arguments))?;
    Ok(Outcome::Done)
}

impl ExportArguments {
    fn format(&self) -> anyhow::Result<Format> {
        let ending = self.out.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let by_name = Format::from_str(ending, true).ok();
        match (self.to, by_name) {
            (Some(format), _) | (None, Some(format)) => Ok(format),
            (None, None) => anyhow::bail!(
                "expected a file that ends in .onnx or .safetensors, or --to with one of them; {}",
                self.out.display()
            ),
        }
    }

    fn export<B: Backend>(&self, format: Format, registry: Registry) -> anyhow::Result<Written> {
        if self.onnx.untrained {
            let device = B::device(self.compute.device.unwrap_or(0))?;
            let name = self.model.to_str().unwrap_or_default();
            let config = ModelConfig::new(name, UNTRAINED_CLASSES);
            let model = registry.create_classifier(&config, &device)?;
            let picture = self.picture(&model, &config, None, &registry)?;
            let model = with_trial_weights(model, 0, picture, |model, images| model.forward(images));
            return self.write(format, &model, &config, None, &registry, &device);
        }
        let builder = Predictor::<B>::builder(&self.model).with_registry(registry.clone());
        let mut builder = builder.with_device_ordinal(self.compute.device.unwrap_or(0));
        builder = builder.with_hub(weights_hub(self.offline));
        if let Some(weights) = &self.weights {
            builder = builder.with_weights(weights);
        }
        let TrainedClassifier { model, spec, device, .. } = builder.load_trained()?;
        self.write(format, &model, &spec.model, Some(&spec), &registry, &device)
    }

    fn write(
        &self,
        format: Format,
        model: &Classifier,
        config: &ModelConfig,
        spec: Option<&ClassifierSpec>,
        registry: &Registry,
        device: &Device,
    ) -> anyhow::Result<Written> {
        let name = config.name.clone();
        match format {
            Format::Safetensors => {
                save_safetensors(model, config, registry, &self.out)?;
                Ok(Written { model: name, format: "safetensors", onnx: None, path: Some(self.out.clone()) })
            }
            Format::Onnx => {
                let picture = self.picture(model, config, spec, registry)?;
                let summary = self.onnx.write(model, config, spec, picture, &self.out)?;
                self.onnx.write_trial(model, spec, picture, device)?;
                Ok(Written { model: name, format: "onnx", onnx: Some(summary), path: None })
            }
        }
    }

    /// `[channels, height, width]`: as asked for, as in training, or as published.
    fn picture(
        &self,
        model: &Classifier,
        config: &ModelConfig,
        spec: Option<&ClassifierSpec>,
        registry: &Registry,
    ) -> anyhow::Result<[usize; 3]> {
        use mvl::core::Backbone;

        let trained = spec.and_then(|spec| spec.preprocess.output_shape());
        let [height, width] = match (self.onnx.size, trained) {
            (Some(size), _) => size,
            (None, Some([_, height, width])) => [height, width],
            (None, None) if spec.is_none() => [registry.model(&config.name)?.input_side(); 2],
            (None, None) => anyhow::bail!(
                "this model takes pictures of any size, an ONNX file those of one: say which with --size HxW"
            ),
        };
        let sides = model.backbone.sides();
        anyhow::ensure!(
            sides.allow(height) && sides.allow(width),
            "{} takes sides of at least {} pixels in steps of {}, got {height}x{width}",
            config.name,
            sides.min,
            sides.multiple_of
        );
        Ok([config.in_channels, height, width])
    }
}

impl OnnxArguments {
    fn answer(&self, spec: Option<&ClassifierSpec>) -> OnnxAnswer {
        match self.answer {
            Answer::Logits => OnnxAnswer::Logits,
            Answer::Probabilities if spec.is_some_and(|spec| spec.task == MULTI_LABEL) => OnnxAnswer::Sigmoid,
            Answer::Probabilities => OnnxAnswer::Softmax,
        }
    }

    fn write(
        &self,
        model: &Classifier,
        config: &ModelConfig,
        spec: Option<&ClassifierSpec>,
        picture: [usize; 3],
        out: &Path,
    ) -> anyhow::Result<OnnxSummary> {
        let mut export = OnnxExport::of(model, picture).with_answer(self.answer(spec));
        export = match spec {
            Some(spec) => export.with_spec(spec),
            None => export.with_name(&config.name),
        };
        if let Some(batch) = self.batch {
            export = export.with_fixed_batch(batch as usize);
        }
        if self.unfused {
            export = export.without_fusing();
        }
        if self.external_weights {
            export = export.with_external_weights();
        }
        Ok(export.write(out)?)
    }

    fn write_trial(
        &self,
        model: &Classifier,
        spec: Option<&ClassifierSpec>,
        picture: [usize; 3],
        device: &Device,
    ) -> anyhow::Result<()> {
        let Some(folder) = &self.trial else { return Ok(()) };
        let fixed = self.batch.map(|batch| vec![batch as usize]);
        let batches = fixed.unwrap_or_else(|| TRIAL_BATCHES.to_vec());
        let answer = self.answer(spec);
        Ok(write_trial(folder, &batches, picture, device, |images| answer.of(model.forward(images)))?)
    }
}

fn describe(written: &Written, arguments: &ExportArguments) -> String {
    let Some(onnx) = &written.onnx else { return format!("wrote {}", arguments.out.display()) };
    let files: Vec<_> = onnx.files.iter().map(|file| file.display().to_string()).collect();
    let side = |side: &String| if side == "batch" { "1".to_owned() } else { side.clone() };
    let example: Vec<_> = onnx.input.shape.iter().map(side).collect();
    format!(
        "wrote {} ({:.1} MB, {}, opset {}, IR {})\n  {} [{}]\n  {} [{}]\n\nin Python:\n  \
         import numpy, onnxruntime\n  \
         session = onnxruntime.InferenceSession({:?})\n  \
         [{}] = session.run(None, {{{:?}: numpy.zeros(({}), \"float32\")}})",
        files.join(" and "),
        onnx.bytes as f64 / MEGABYTE,
        count(onnx.nodes, "node"),
        onnx.opset,
        onnx.ir_version,
        onnx.input.name,
        onnx.input.shape.join(", "),
        onnx.output.name,
        onnx.output.shape.join(", "),
        files[0],
        onnx.output.name,
        onnx.input.name,
        example.join(", "),
    )
}
