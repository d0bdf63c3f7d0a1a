//! `mvl serve`: models that answer, over REST and gRPC.

mod announce;
mod arguments;
mod naming;
mod polling;
mod sources;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use mvl::core::Registry;
use mvl::train::StopToken;
use mvl_serve::ensemble::EnsembleModels;
use mvl_serve::models::Repository;
use mvl_serve::telemetry::Telemetry;
use mvl_serve::upstream::UpstreamModels;
use mvl_serve::{AllowedSources, GatewayOptions, HttpServer, LineWriter, Service, router};

pub(crate) use arguments::ServeArguments;

use crate::arguments::Outcome;
use crate::backends::with_backend;
use crate::config::serve::{ServeConfig, ServedModel, Slots, environment_overrides};
use crate::output::{Output, say};

/// How often it is looked whether Ctrl-C was pressed.
const LOOK: Duration = Duration::from_millis(50);

pub(crate) fn run(arguments: ServeArguments, registry: Registry, output: &Output) -> anyhow::Result<Outcome> {
    let config = config(&arguments)?;
    let gateway = config.gateway.opened()?;
    if arguments.print_config {
        let text = config.to_toml()?;
        output.result(&config, || text.trim_end().to_owned())?;
        return Ok(Outcome::Done);
    }
    if arguments.check {
        let told = serde_json::json!({ "address": config.gateway.address, "models": config.models.len() });
        output.result(&told, || "the config is right".to_owned())?;
        return Ok(Outcome::Done);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    // Dropped before the runtime, on which it sends the last traces.
    let telemetry = Telemetry::new(&config.log, LineWriter::to_stderr()?, runtime.handle().clone()).context("log")?;
    telemetry.install()?;
    let gateway = GatewayOptions { audit: config.gateway.audit_log()?, ..gateway };
    let service = config.service_options();
    let upstreams = UpstreamModels::new(config.upstream_options()).context("cannot start a thread")?;
    let ensembles = Arc::new(EnsembleModels::new(config.ensembles.clone(), service.pictures));
    let source =
        with_backend!(config.backend, B => sources::every::<B>(registry, &config, upstreams, ensembles.clone()))?;
    let repository = Arc::new(Repository::new(source, config.slots.map(Slots::compute_slots)));
    ensembles.attach(&repository);
    let stop = StopToken::on_ctrl_c()?;
    // Ensembles ask the others, so these come first; among ensembles the order is the config's.
    let (ensembles, others): (Vec<_>, Vec<_>) =
        config.models.iter().partition(|model| model.source.starts_with(EnsembleModels::SCHEME));
    for model in others.into_iter().chain(ensembles) {
        if stop.is_stopped() {
            return Ok(Outcome::Done);
        }
        load(&repository, model)?;
    }
    runtime.block_on(serve(config, gateway, repository, stop, output))
}

/// The file, the environment and the flags together; the demo's model when nothing says what to serve.
fn config(arguments: &ServeArguments) -> anyhow::Result<ServeConfig> {
    // What is no text is none of ours.
    let variables =
        std::env::vars_os().filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()));
    let mut overrides = environment_overrides(variables);
    overrides.extend(arguments.overrides());
    let mut named: Vec<(String, String)> = arguments.models.iter().map(|model| naming::named(model)).collect();
    let says_nothing = arguments.config.is_none() && named.is_empty();
    if says_nothing && ServeConfig::read(None, overrides.clone(), Vec::new()).is_ok_and(|none| none.models.is_empty()) {
        named.push(naming::demo()?);
    }
    ServeConfig::read(arguments.config.as_deref(), overrides, named)
}

/// Loads a model with its canary and its shadow.
fn load(repository: &Repository, model: &ServedModel) -> anyhow::Result<()> {
    let ServedModel { name, source, canary, shadow, .. } = model;
    say(format!("loading {name} from {source}"));
    repository.define(model.definition()).with_context(|| name.clone())?;
    repository.load(name).with_context(|| format!("cannot load {name} from {source}"))?;
    if let Some(canary) = canary {
        let set = repository.set_canary(name, &canary.source, canary.percent);
        set.with_context(|| format!("cannot load {name}'s canary from {}", canary.source))?;
    }
    if let Some(shadow) = shadow {
        let set = repository.set_shadow(name, &shadow.source, shadow.percent);
        set.with_context(|| format!("cannot load {name}'s shadow from {}", shadow.source))?;
    }
    Ok(())
}

/// Answers until it is told to end; then it says for a while that it is not ready, takes no more connections, and lets requests under way
/// come to their end.
async fn serve(
    config: ServeConfig,
    gateway: GatewayOptions,
    repository: Arc<Repository>,
    stop: StopToken,
    output: &Output,
) -> anyhow::Result<Outcome> {
    let server = HttpServer::bind(gateway).await?;
    announce::listening(&config, server.address(), &repository, output)?;
    let sources = AllowedSources::new(config.service.allowed_sources.iter().cloned());
    let service = Service::new(repository.clone()).with_sources(sources);
    let routes = router(service, &config.service_options());
    let polling = config.poll_seconds.map(Duration::from_secs);
    let polling = polling.map(|every| tokio::spawn(polling::poll(repository.clone(), every)));
    let drain = Duration::from_millis(config.gateway.drain_ms);
    let ended = async move {
        while !stop.is_stopped() {
            tokio::time::sleep(LOOK).await;
        }
        repository.drain();
        if !drain.is_zero() {
            say(format!("not ready any more; ends in {} s", drain.as_secs_f32()));
            tokio::time::sleep(drain).await;
        }
    };
    server.run(routes, ended).await;
    polling.inspect(|polling| polling.abort());
    Ok(Outcome::Done)
}
