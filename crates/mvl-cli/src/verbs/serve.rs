//! `mvl serve`: models that answer, over REST and gRPC.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use mvl::core::{Backend, BoxError, Registry};
use mvl::infer::{BatchOptions, ComputeSlots};
use mvl::train::StopToken;
use mvl_serve::models::{
    ClassifierModels, FoundVersion, IdentityModels, Loaded, ModelDefinition, ModelParts, ModelSource, Repository,
};
use mvl_serve::{GatewayOptions, HttpServer, Service, ServiceError, ServiceOptions, router};

use super::track::read_keys;
use crate::arguments::{ComputeArguments, Outcome};
use crate::backends::with_backend;
use crate::output::{Output, say};
use crate::workspace::{block, existing};

/// How often it is looked whether Ctrl-C was pressed.
const LOOK: Duration = Duration::from_millis(50);
/// What is served when nothing is named: what `mvl demo` leaves behind.
const DEMO: [&str; 2] = ["models:/demo/1", "runs/demo"];

/// Serves models over the Open Inference Protocol (REST and gRPC on one port), and pictures under /v1, until Ctrl-C.
#[derive(Debug, Args)]
#[command(after_help = "\
A model is SOURCE or NAME=SOURCE; a source is a run's or a saved model's folder, a folder of numbered versions, models:/NAME@ALIAS, a name
of the zoo, or identity:FP32. Without any, the demo's model is served.

Examples:
  mvl serve
  mvl serve shoes=models:/shoes@champion --poll 10
  curl --data-binary @photo.jpg http://127.0.0.1:8000/v1/models/shoes:predict")]
pub(crate) struct ServeArguments {
    /// What to serve.
    #[arg(value_name = "MODEL")]
    models: Vec<String>,
    /// Where to listen. Anything but this machine's own addresses needs --keys.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8000")]
    address: SocketAddr,
    /// A file of API keys, a line each.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// How many forward passes of a model may run at once.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    replicas: u16,
    /// How many forward passes may run at once, over all models.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    slots: Option<u16>,
    /// The most rows of a forward pass.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=4096))]
    max_batch_size: u32,
    /// How long a request waits for others when a replica is free, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    max_delay: u64,
    /// How long a request may take that says nothing of it, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    timeout: u64,
    /// Look every so many seconds whether an alias points at another version, or a folder has a new one, and switch to it.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    poll: Option<u64>,
    /// The largest request, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4096))]
    max_request_mib: u32,
    /// Let clients leave tensors in this machine's shared memory.
    #[arg(long)]
    shared_memory: bool,
    #[command(flatten)]
    compute: ComputeArguments,
}

pub(crate) fn run(arguments: ServeArguments, registry: Registry, output: &Output) -> anyhow::Result<Outcome> {
    let backend = arguments.compute.backend.unwrap_or_default();
    let source = with_backend!(backend, B => source::<B>(registry))?;
    let definitions = definitions(&arguments)?;
    let slots = arguments.slots.map(|slots| ComputeSlots::new(slots.into()));
    let repository = Arc::new(Repository::new(source, slots));
    let stop = StopToken::on_ctrl_c()?;
    for definition in definitions {
        let (name, source) = (definition.name.clone(), definition.source.clone());
        say(format!("loading {name} from {source}"));
        repository.define(definition).with_context(|| name.clone())?;
        repository.load(&name).with_context(|| format!("cannot load {name} from {source}"))?;
    }
    let mut gateway = GatewayOptions { address: arguments.address, ..GatewayOptions::default() };
    gateway.body_bytes = (arguments.max_request_mib as usize) << 20;
    if let Some(file) = &arguments.keys {
        gateway.keys = read_keys(file)?;
    }
    let options = ServiceOptions {
        shared_memory: arguments.shared_memory,
        message_bytes: gateway.body_bytes,
        ..ServiceOptions::default()
    };
    let service = Service::new(repository.clone());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    runtime.block_on(async move {
        let server = HttpServer::bind(gateway).await?;
        let address = format!("http://{}", server.address());
        let names: Vec<String> = repository.index().into_iter().map(|entry| entry.name).collect();
        let told = serde_json::json!({ "address": address, "models": names });
        output.result(&told, || format!("listening on {address}, REST and gRPC: {}", names.join(", ")))?;
        if let Some(name) = names.first() {
            say(format!("curl --data-binary @photo.jpg {address}/v1/models/{name}:predict; Ctrl-C ends it"));
        }
        let polling = arguments.poll.map(|seconds| tokio::spawn(poll(repository, Duration::from_secs(seconds))));
        let ended = async move {
            while !stop.is_stopped() {
                tokio::time::sleep(LOOK).await;
            }
        };
        server.run(router(service, &options), ended).await;
        polling.inspect(|polling| polling.abort());
        anyhow::Ok(Outcome::Done)
    })
}

/// Looks again and again whether sources stand for other versions.
async fn poll(repository: Arc<Repository>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let polled = repository.clone();
        let Ok(changes) = tokio::task::spawn_blocking(move || polled.poll()).await else { continue };
        for (name, came) in changes {
            match came {
                Ok(Loaded::Switched { to, .. }) => say(format!("{name}: version {to} answers now")),
                Ok(_) => {}
                Err(error) => {
                    say(format!("{name}: cannot load what its source stands for now, goes on as before: {error}"))
                }
            }
        }
    }
}

/// What the arguments say is to be served.
fn definitions(arguments: &ServeArguments) -> anyhow::Result<Vec<ModelDefinition>> {
    let batching = BatchOptions {
        max_rows: arguments.max_batch_size as usize,
        max_delay: Duration::from_millis(arguments.max_delay),
        timeout: Duration::from_millis(arguments.timeout),
        ..BatchOptions::default()
    };
    let define = |(name, source): (String, String)| ModelDefinition {
        replicas: arguments.replicas.into(),
        batching,
        ..ModelDefinition::new(name, source)
    };
    if arguments.models.is_empty() {
        let there = |source: &&&str| match source.strip_prefix("models:/") {
            Some(_) => existing().is_ok() && pinned(source).is_ok(),
            None => Path::new(source).is_dir(),
        };
        let source = DEMO.iter().find(there).context("nothing to serve: name a model, or make one by `mvl demo`")?;
        return Ok(vec![define(("demo".to_owned(), (*source).to_owned()))]);
    }
    Ok(arguments.models.iter().map(|model| define(named(model))).collect())
}

/// `NAME=SOURCE`, or a source that has a name in it.
fn named(model: &str) -> (String, String) {
    if let Some((name, source)) = model.split_once('=') {
        return (name.to_owned(), source.to_owned());
    }
    let name = match model.strip_prefix("models:/") {
        Some(registered) => registered.split(['@', '/']).next().unwrap_or(registered),
        None => model.trim_end_matches('/').rsplit('/').next().unwrap_or(model),
    };
    let plain = name.chars().map(|char| if char.is_ascii_alphanumeric() || "_-.".contains(char) { char } else { '-' });
    (plain.collect(), model.to_owned())
}

/// The version that an address of the registry stands for now.
fn pinned(address: &str) -> Result<String, BoxError> {
    let (workspace, address) = (existing()?, address.to_owned());
    let version = block(async move { workspace.registry().resolve(&address).await })?;
    Ok(format!("models:/{}/{}", version.name, version.version))
}

fn source<B: Backend>(registry: Registry) -> Arc<dyn ModelSource> {
    Arc::new(Sources(ClassifierModels::<B>::new(registry).following(pinned)))
}

/// Identity models, and classifiers from everywhere else.
struct Sources<B: Backend>(ClassifierModels<B>);

impl<B: Backend> Sources<B> {
    fn of(&self, address: &str) -> &dyn ModelSource {
        if address.starts_with(IdentityModels::SCHEME) { &IdentityModels } else { &self.0 }
    }
}

impl<B: Backend> ModelSource for Sources<B> {
    fn resolve(&self, source: &str) -> Result<FoundVersion, ServiceError> {
        self.of(source).resolve(source)
    }

    fn load(&self, found: &FoundVersion, replicas: usize) -> Result<ModelParts, ServiceError> {
        self.of(&found.address).load(found, replicas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_have_names() {
        for (model, name, source) in [
            ("a=runs/b", "a", "runs/b"),
            ("runs/demo/", "demo", "runs/demo/"),
            ("models:/shoes@champion", "shoes", "models:/shoes@champion"),
            ("models:/shoes/3", "shoes", "models:/shoes/3"),
            ("identity:FP32", "identity-FP32", "identity:FP32"),
        ] {
            assert_eq!(named(model), (name.to_owned(), source.to_owned()));
        }
    }
}
