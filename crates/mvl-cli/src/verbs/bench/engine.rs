//! `mvl bench engine`: what a model takes with each engine. Each is measured in a process of its own, so that memory is its own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use mvl::core::{Backend, Registry};
use mvl::infer::{EngineKind, EngineOptions, EnginePrecision, EngineReport, InferError, Loading, Predictor, load_onnx};
use serde::{Deserialize, Serialize};

use crate::arguments::{ComputeArguments, Outcome};
use crate::backends::with_backend;
use crate::output::{Output, table};

const MIB: f64 = 1024.0 * 1024.0;

/// Says what a model takes with each engine: time to load, memory, time of an answer, samples a second.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mvl bench engine runs/demo --engine burn
  mvl bench engine mobilenet_v2.imagenet1k_v1 --batch-size 1 8 --engine-threads 2
  mvl bench engine model.onnx --engine ort --onnxruntime venv/lib/python3.11/site-packages/onnxruntime --json")]
pub(crate) struct EngineArguments {
    /// A run's or a saved model's folder, a name of published weights, models:/NAME@ALIAS, or a graph in ONNX's format (FILE.onnx).
    model: OsString,
    /// The weights file of a weights name, which is downloaded otherwise.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// The engines: burn, ort, rten; those that this build has unless said otherwise.
    #[arg(long, value_name = "ENGINE", num_args = 1..)]
    engine: Vec<EngineKind>,
    /// Samples of a forward pass.
    #[arg(long, value_name = "N", num_args = 1.., default_values_t = [1, 8], value_parser = clap::value_parser!(u32).range(1..=4096))]
    batch_size: Vec<u32>,
    /// For how long each is asked.
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    seconds: f64,
    /// Threads of a forward pass, of the engines ort and rten.
    #[arg(long, value_name = "N")]
    engine_threads: Option<usize>,
    /// ONNX Runtime's library, or a folder that holds it; without it what ORT_DYLIB_PATH names.
    #[arg(long, value_name = "PATH")]
    onnxruntime: Option<PathBuf>,
    /// What burn computes in and keeps weights in: f32, bf16, f16, int8 (weights alone).
    #[arg(long, value_name = "TYPE", default_value_t = EnginePrecision::F32)]
    precision: EnginePrecision,
    #[command(flatten)]
    compute: ComputeArguments,
}

/// An engine's figures, or why there are none.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Measured {
    Report {
        engine: EngineKind,
        #[serde(flatten)]
        report: EngineReport,
    },
    Failed {
        engine: EngineKind,
        error: String,
    },
}

pub(super) fn run(arguments: EngineArguments, registry: Registry, output: &Output) -> anyhow::Result<Outcome> {
    anyhow::ensure!(
        arguments.seconds.is_finite() && (0.0..=3600.0).contains(&arguments.seconds),
        "expected --seconds of 0 to 3600, got {}",
        arguments.seconds
    );
    if let [engine] = arguments.engine[..] {
        let backend = arguments.compute.backend.unwrap_or_default();
        let report = with_backend!(backend, B => arguments.measure::<B>(engine, registry)?)?;
        let reports = [Measured::Report { engine, report }];
        output.result(&reports, || describe(&reports))?;
        return Ok(Outcome::Done);
    }
    let compiled = EngineKind::ALL.into_iter().filter(|kind| kind.is_compiled()).collect();
    let engines = if arguments.engine.is_empty() { compiled } else { arguments.engine.clone() };
    let reports = engines.into_iter().map(|engine| arguments.apart(engine)).collect::<anyhow::Result<Vec<_>>>()?;
    output.result(&reports, || describe(&reports))?;
    Ok(Outcome::Done)
}

impl EngineArguments {
    fn measure<B: Backend>(&self, kind: EngineKind, registry: Registry) -> Result<EngineReport, InferError> {
        let options = self.options(kind);
        let batches: Vec<usize> = self.batch_size.iter().map(|&batch| batch as usize).collect();
        let duration = Duration::from_secs_f64(self.seconds);
        let path = Path::new(&self.model);
        if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx")) && path.is_file() {
            let (file, loading) = Loading::watch(|| load_onnx(path, &options, 1))?;
            return Ok(EngineReport::measure(&*file.replicas[0], loading, &batches, duration)?);
        }
        let builder = Predictor::<B>::builder(&self.model).with_registry(registry).with_engine(options);
        let builder = match &self.weights {
            Some(file) => builder.with_weights(file),
            None => builder,
        };
        builder.load()?.report(&batches, duration)
    }

    /// Threads and library are for those engines that have them; a precision that an engine has not is refused.
    fn options(&self, kind: EngineKind) -> EngineOptions {
        let threads = self.engine_threads.filter(|_| kind != EngineKind::Burn);
        let library = self.onnxruntime.clone().filter(|_| kind == EngineKind::Ort);
        let devices = self.compute.device.into_iter().collect();
        EngineOptions { kind, threads, library, devices, precision: self.precision }
    }

    /// The same in a process of its own.
    fn apart(&self, engine: EngineKind) -> anyhow::Result<Measured> {
        let mut command = Command::new(std::env::current_exe().context("cannot find this program")?);
        command.args(["bench", "engine"]).arg(&self.model).args(["--engine", engine.name(), "--json"]);
        command.args(["--precision", self.precision.name()]);
        command.args(["--seconds", &self.seconds.to_string(), "--batch-size"]);
        command.args(self.batch_size.iter().map(ToString::to_string));
        let mut option = |name: &str, value: Option<OsString>| {
            if let Some(value) = value {
                command.arg(name).arg(value);
            }
        };
        option("--weights", self.weights.clone().map(Into::into));
        option("--engine-threads", self.engine_threads.map(|threads| threads.to_string().into()));
        option("--onnxruntime", self.onnxruntime.clone().map(Into::into));
        option("--backend", self.compute.backend.map(|backend| backend.name().into()));
        option("--device", self.compute.device.map(|device| device.to_string().into()));
        let done = command.stdin(Stdio::null()).output().context("cannot run this program once more")?;
        if !done.status.success() {
            let error = String::from_utf8_lossy(&done.stderr).trim().to_owned();
            return Ok(Measured::Failed { engine, error });
        }
        let mut reports: Vec<Measured> = serde_json::from_slice(&done.stdout).context("the figures cannot be read")?;
        reports.pop().context("no figures came")
    }
}

fn describe(reports: &[Measured]) -> String {
    let mib = |bytes: Option<u64>| bytes.map_or_else(|| "?".to_owned(), |bytes| format!("{:.1}", bytes as f64 / MIB));
    let mut rows = Vec::new();
    let mut failed = Vec::new();
    for measured in reports {
        let report = match measured {
            Measured::Report { report, .. } => report,
            Measured::Failed { engine, error } => {
                failed.push(format!("{engine}: {error}"));
                continue;
            }
        };
        for timing in &report.timings {
            rows.push(vec![
                report.platform.clone(),
                timing.batch.to_string(),
                report.weights.map_or_else(|| "?".to_owned(), |weights| weights.parameters.to_string()),
                mib(report.weights.map(|weights| weights.bytes)),
                format!("{:.0}", report.loading.ms),
                mib(report.loading.bytes),
                mib(report.peak_bytes),
                format!("{:.2}", timing.p50_ms),
                format!("{:.2}", timing.p99_ms),
                format!("{:.1}", timing.per_second),
            ]);
        }
    }
    let head = [
        "engine",
        "batch",
        "parameters",
        "weights MiB",
        "load ms",
        "loaded MiB",
        "peak MiB",
        "p50 ms",
        "p99 ms",
        "samples/s",
    ];
    let shown = (!rows.is_empty()).then(|| table(&head, &rows));
    shown.into_iter().chain(failed).collect::<Vec<_>>().join("\n")
}
