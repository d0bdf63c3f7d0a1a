//! Your own backbone and head under names of your own, in the whole of mvl: the command line, training, checkpoints, resume,
//! prediction. No `mvl-*` crate knows of them.
//!
//! Run: `cargo run --release -p mvl-examples --example own_backbone`
//! Trains in two halves, resumes between them, and predicts; about ten seconds. With arguments it is `mvl` with two models more:
//! `cargo run --release -p mvl-examples --example own_backbone -- models list`

use std::process::ExitCode;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation};
use mvl::models::layers::{Activation, ConvNormAct, ConvNormActConfig};
use mvl::prelude::*;
use mvl_cli::{RunConfig, RunFile, TrainingJob};
use serde::Deserialize;

/// Three convolutions, each halving the sides.
#[derive(Module, Debug)]
struct Tiny {
    stages: Vec<ConvNormAct>,
    #[module(skip)]
    taps: Vec<Tap>,
}

impl Backbone for Tiny {
    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn forward(&self, images: Tensor<4>, keep: TapSet) -> Features {
        let mut features = Features::new();
        let mut x = images;
        for (tap, stage) in self.stages.iter().enumerate().take(keep.last().map_or(0, |last| last + 1)) {
            x = stage.forward(x); // [N, width · 2^tap, H / 2^(tap+1), W / 2^(tap+1)]
            features.keep_map(keep, tap, &x);
        }
        features
    }
}

/// What may be written under `[model.options]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TinyOptions {
    width: usize,
}

impl Default for TinyOptions {
    fn default() -> Self {
        Self { width: 16 }
    }
}

struct TinyFactory;

impl ModelFactory for TinyFactory {
    fn name(&self) -> &str {
        "tiny"
    }

    fn family(&self) -> &str {
        "example"
    }

    fn create_model(&self, config: &ModelConfig, device: &Device) -> Result<BoxedBackbone, ModelError> {
        let TinyOptions { width } = config.options.read(self.name())?;
        let widths = [config.in_channels, width, 2 * width, 4 * width];
        let stages = widths.windows(2).map(|pair| {
            ConvNormActConfig::new([pair[0], pair[1]], [3; 2])
                .with_stride(2)
                .with_activation(Activation::Relu)
                .init(device)
        });
        let taps = (0..3).map(|tap| Tap::map(format!("stage{tap}"), widths[tap + 1], 2 << tap)).collect();
        Ok(BoxedBackbone::new(Tiny { stages: stages.collect(), taps }))
    }
}

/// Logits from the largest value of every channel instead of the mean.
#[derive(Module, Debug)]
struct MaxHead {
    linear: Linear,
    #[module(skip)]
    tap: usize,
}

impl Head for MaxHead {
    type Output = Tensor<2>;

    fn reads(&self) -> TapSet {
        TapSet::one(self.tap)
    }

    fn forward(&self, mut features: Features) -> Tensor<2> {
        let map = activation::relu(features.take_map(self.tap)); // [N, C, H, W]
        let [count, channels, ..] = map.dims();
        self.linear.forward_mixed(map.flatten::<3>(2, 3).max_dim(2).reshape([count, channels]))
    }
}

struct MaxHeadFactory;

impl HeadFactory<Tensor<2>> for MaxHeadFactory {
    fn name(&self) -> &str {
        "max"
    }

    fn create_head(
        &self,
        config: &ModelConfig,
        taps: &[Tap],
        device: &Device,
    ) -> Result<BoxedHead<Tensor<2>>, ModelError> {
        let tap = taps.iter().rposition(|tap| tap.layout == Layout::Map).ok_or_else(|| ModelError::Mismatch {
            head: self.name().to_owned(),
            backbone: config.name.clone(),
            what: "expected a tap with a map, got none".to_owned(),
        })?;
        let linear = LinearConfig::new(taps[tap].channels, config.num_classes).init(device);
        Ok(BoxedHead::new(MaxHead { linear, tap }))
    }
}

fn registry() -> Registry {
    let mut registry = zoo();
    registry.register_model(TinyFactory).register_head(MaxHeadFactory);
    registry
}

/// The run as one would write it in a file.
fn config(run_dir: &std::path::Path) -> anyhow::Result<RunConfig> {
    let mut file = RunFile { run_dir: Some(run_dir.to_owned()), ..RunFile::default() };
    file.data.path = Some("embedded:fashion-mnist".to_owned());
    file.data.validation = Some(0.8); // a fifth of the pictures is enough here
    file.preprocess = Some(mvl_examples::clothes_preprocess());
    file.model.name = Some("tiny".to_owned());
    file.model.head = Some(HeadConfig { name: "max".to_owned(), ..HeadConfig::default() });
    file.train.epochs = 2;
    Ok(RunConfig::resolve(file, &registry())?)
}

/// Stops after the first epoch, as Ctrl-C would.
struct StopAfterOne(StopToken);

impl TrainingObserver for StopAfterOne {
    fn name(&self) -> &str {
        "stop after one"
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        if let TrainingEvent::EpochFinished { .. } = event {
            self.0.stop();
        }
        Ok(Flow::Continue)
    }
}

fn main() -> ExitCode {
    if std::env::args().len() > 1 {
        return mvl_cli::main_with(registry()); // the whole command line, with these models
    }
    match train_resume_predict() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn train_resume_predict() -> anyhow::Result<()> {
    mvl::core::conformance::factory(&TinyFactory, &ModelConfig::new("tiny", 2), &Cpu::device(0)?);
    let folder = tempfile::tempdir()?;
    let run = folder.path().join("run");

    let stop = StopToken::new();
    let first = TrainingJob::new(config(&run)?, registry()).with_stop(stop.clone());
    let first = first.run_observed::<Cpu>(vec![Box::new(StopAfterOne(stop))])?;
    anyhow::ensure!((first.epochs, &first.stop_reason) == (1, &StopReason::Interrupted), "expected half a run");

    let second = TrainingJob::new(config(&run)?, registry()).with_resume(true).run::<Cpu>()?;
    anyhow::ensure!((second.epochs, &second.stop_reason) == (2, &StopReason::Completed), "expected the whole run");

    let predictor = Predictor::<Cpu>::builder(run.display().to_string()).with_registry(registry()).load()?;
    let prediction = predictor.predict(mvl_examples::asset("ankle_boot.png").as_str())?;
    let accuracy = second.test.and_then(|test| test.get("accuracy")).unwrap_or(0.0);
    println!("test accuracy {accuracy:.3}; an ankle boot is taken for: {}", prediction.top(1)[0].label);
    anyhow::ensure!(accuracy > 0.5, "expected far better than guessing, 0.1");
    Ok(())
}
