//! What can be typed after `mvl serve`; each flag is a setting of the config.

use std::path::PathBuf;

use clap::Args;
use mvl::infer::{EngineKind, EnginePrecision};

use crate::arguments::ComputeArguments;
use crate::config::Override;
use crate::config::serve::COMMAND_LINE;

/// Serves models over the Open Inference Protocol (REST and gRPC on one port), and pictures under /v1, until Ctrl-C or SIGTERM.
///
/// Settings come from --config FILE; variables such as MVL_SERVE__GATEWAY__ADDRESS go over it, flags and --set over both.
#[derive(Debug, Args)]
#[command(after_help = "\
A model is SOURCE or NAME=SOURCE; a source is a run's or a saved model's folder, a folder of numbered versions, models:/NAME@ALIAS, a name
of the zoo, a graph in ONNX's format (FILE.onnx), or identity:FP32. Without any, the demo's model is served.

Examples:
  mvl serve
  mvl serve shoes=models:/shoes@champion --poll 10
  mvl serve --config serve.toml --check
  curl --data-binary @photo.jpg http://127.0.0.1:8000/v1/models/shoes:predict")]
pub(crate) struct ServeArguments {
    /// What to serve, beside the config's models [config: models].
    #[arg(value_name = "MODEL")]
    pub(super) models: Vec<String>,
    /// Config file (TOML); docs/serving.md shows a whole one.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Only say whether the config is right.
    #[arg(long, conflicts_with = "print_config")]
    pub(super) check: bool,
    /// Only print the config in full, as file, environment and flags make it.
    #[arg(long)]
    pub(super) print_config: bool,
    /// Where to listen. Anything but this machine's own addresses needs --keys [config: gateway.address].
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<String>,
    /// A file of API keys, as `mvl keys new` makes [config: gateway.keys].
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// What computes models: burn, ort (ONNX Runtime), rten [config: defaults.engine].
    #[arg(long, value_name = "ENGINE")]
    engine: Option<EngineKind>,
    /// Threads of one forward pass of a replica, of the engines ort and rten [config: defaults.engine_threads].
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    engine_threads: Option<i64>,
    /// On which devices of the backend burn computes models, such as 0,1; replicas take turns on them [config: defaults.devices].
    #[arg(long, value_name = "LIST", value_delimiter = ',', conflicts_with = "device")]
    devices: Vec<u32>,
    /// What burn computes in and keeps weights in: f32, bf16, f16, int8 (weights alone) [config: defaults.precision].
    #[arg(long, value_name = "TYPE")]
    precision: Option<EnginePrecision>,
    /// ONNX Runtime's library, or a folder that holds it, such as that of Python's package onnxruntime; without it what ORT_DYLIB_PATH names
    /// [config: defaults.onnxruntime].
    #[arg(long, value_name = "PATH")]
    onnxruntime: Option<PathBuf>,
    /// The server's certificate in PEM; encrypts, together with --tls-key [config: gateway.tls.certificate].
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key in PEM [config: gateway.tls.key].
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The authorities of clients in PEM; who has no certificate by one of them cannot connect [config: gateway.tls.client_ca].
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_client_ca: Option<PathBuf>,
    /// A file that is told who did what, a line of JSON each [config: gateway.audit.file].
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// A source that requests may name beside those that are served: a folder, the beginning of an address [config:
    /// service.allowed_sources]. Can be given often.
    #[arg(long, value_name = "SOURCE")]
    allow_source: Vec<String>,
    /// Whose pages may ask, such as https://app.example [config: gateway.origins]. Can be given often.
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// What is logged: error, warn, info (a line for every request), debug [config: log.level].
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// How lines of the log are written: text or json [config: log.format].
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Where traces go, such as http://127.0.0.1:4318 (OTLP over HTTP) [config: log.otlp].
    #[arg(long, value_name = "URL")]
    otlp: Option<String>,
    /// How many forward passes of a model may run at once [config: defaults.replicas].
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    replicas: Option<i64>,
    /// How many forward passes may run at once, over all models, or `auto`: as many as answer the most [config: slots].
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    slots: Option<String>,
    /// The most rows of a forward pass [config: defaults.max_batch_size].
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    max_batch_size: Option<i64>,
    /// How long a request waits for others when a replica is free, in milliseconds [config: defaults.max_delay_ms].
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
    max_delay: Option<i64>,
    /// How long a request may take that says nothing of it, in milliseconds [config: defaults.timeout_ms].
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
    timeout: Option<i64>,
    /// Look every so many seconds whether an alias points at another version, or a folder has a new one, and switch to it
    /// [config: poll_seconds].
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    poll: Option<i64>,
    /// The largest request, in MiB [config: gateway.max_request_mib].
    #[arg(long, value_name = "MIB", allow_negative_numbers = true)]
    max_request_mib: Option<i64>,
    /// Once it is to end, how long to say that it is not ready and answer all the same, in milliseconds [config: gateway.drain_ms].
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
    drain: Option<i64>,
    /// Let clients leave tensors in this machine's shared memory [config: service.shared_memory].
    #[arg(long)]
    shared_memory: bool,
    /// Any setting by its path in the config, such as `--set defaults.queue_rows=64`; can be given often.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Override>,
    #[command(flatten)]
    compute: ComputeArguments,
}

impl ServeArguments {
    /// Flags as overrides of the config file; `--set` comes last and wins.
    pub(super) fn overrides(&self) -> Vec<Override> {
        let mut overrides = Vec::new();
        let mut put = |key: &str, value: Option<toml::Value>| {
            overrides.extend(value.map(|value| Override::new(key, value)));
        };
        put("gateway.address", self.address.clone().map(Into::into));
        put("gateway.keys", self.keys.as_ref().map(|path| path.display().to_string().into()));
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string().into());
        put("gateway.tls.certificate", path(&self.tls_cert));
        put("gateway.tls.key", path(&self.tls_key));
        put("gateway.tls.client_ca", path(&self.tls_client_ca));
        put("gateway.audit.file", path(&self.audit));
        let list = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone().into());
        put("gateway.origins", list(&self.allow_origin));
        put("service.allowed_sources", list(&self.allow_source));
        put("log.level", self.log_level.clone().map(Into::into));
        put("log.format", self.log_format.clone().map(Into::into));
        put("log.otlp", self.otlp.clone().map(Into::into));
        put("gateway.max_request_mib", self.max_request_mib.map(Into::into));
        put("gateway.drain_ms", self.drain.map(Into::into));
        put("service.shared_memory", self.shared_memory.then_some(true.into()));
        put("defaults.engine", self.engine.map(|engine| engine.name().into()));
        put("defaults.engine_threads", self.engine_threads.map(Into::into));
        put("defaults.devices", (!self.devices.is_empty()).then(|| self.devices.clone().into()));
        put("defaults.precision", self.precision.map(|precision| precision.name().into()));
        put("defaults.onnxruntime", self.onnxruntime.as_ref().map(|path| path.display().to_string().into()));
        put("defaults.replicas", self.replicas.map(Into::into));
        put("defaults.max_batch_size", self.max_batch_size.map(Into::into));
        put("defaults.max_delay_ms", self.max_delay.map(Into::into));
        put("defaults.timeout_ms", self.timeout.map(Into::into));
        put("slots", self.slots.clone().map(Into::into));
        put("poll_seconds", self.poll.map(Into::into));
        put("backend", self.compute.backend.map(|backend| backend.name().into()));
        put("device", self.compute.device.map(|device| (device as i64).into()));
        overrides.extend(self.set.iter().cloned());
        overrides.into_iter().map(|setting| setting.read_from(COMMAND_LINE)).collect()
    }
}
