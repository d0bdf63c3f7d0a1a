//! What `mvl serve` says once it listens: where, with which models, and who may ask.

use std::net::SocketAddr;

use mvl_serve::models::Repository;
use serde_json::json;

use crate::config::serve::ServeConfig;
use crate::output::{Output, say, table};

/// Says it: the address and the models as the result, what a person wants to know beside it.
pub(super) fn listening(
    config: &ServeConfig,
    address: SocketAddr,
    repository: &Repository,
    output: &Output,
) -> anyhow::Result<()> {
    let scheme = if config.gateway.tls.is_some() { "https" } else { "http" };
    let address = format!("{scheme}://{address}");
    let mut names: Vec<String> = repository.index().into_iter().map(|entry| entry.name).collect();
    names.dedup();
    let told = json!({ "address": address, "models": names });
    let shown = if names.is_empty() { "no models yet".to_owned() } else { names.join(", ") };
    output.result(&told, || format!("listening on {address}, REST and gRPC: {shown}"))?;
    if !names.is_empty() {
        say(models(config, repository));
    }
    say(protections(config));
    if let Some(name) = names.first() {
        say(format!("curl --data-binary @photo.jpg {address}/v1/models/{name}:predict; Ctrl-C ends it"));
    }
    Ok(())
}

/// A line for each version that answers.
fn models(config: &ServeConfig, repository: &Repository) -> String {
    let rows = config.models.iter().flat_map(|model| {
        let versions = repository.versions(&model.name).unwrap_or_default();
        let [canary, shadow] = repository.shares(&model.name).unwrap_or_default();
        let row = move |version: &mvl_serve::models::LoadedModel| {
            let share = |share: &Option<(String, u8)>, word: &str| {
                let (_, percent) = share.as_ref().filter(|(name, _)| *name == version.version)?;
                Some(format!("{word} {percent} %"))
            };
            let part = share(&canary, "canary").or_else(|| share(&shadow, "shadow"));
            vec![
                model.name.clone(),
                version.version.clone(),
                part.unwrap_or_else(|| "answers".to_owned()),
                version.batcher.platform().to_owned(),
                model.settings.replicas.to_string(),
                version.found.address.clone(),
            ]
        };
        versions.into_iter().rev().map(move |version| row(&version)).collect::<Vec<_>>()
    });
    table(&["model", "version", "part", "engine", "replicas", "from"], &rows.collect::<Vec<_>>())
}

/// Who may ask, and how much.
fn protections(config: &ServeConfig) -> String {
    let gateway = &config.gateway;
    let mut who = Vec::new();
    who.extend(gateway.keys.as_ref().map(|file| format!("API keys of {}", file.display())));
    who.extend(gateway.tokens.as_ref().map(|tokens| format!("tokens of {}", tokens.issuer)));
    let authorities = gateway.tls.as_ref().and_then(|tls| tls.client_ca.as_ref());
    who.extend(authorities.map(|file| format!("certificates by {}", file.display())));
    let who = match who.is_empty() {
        true => "no keys: this machine alone, under its own names".to_owned(),
        false => who.join(", "),
    };
    let memory = if config.service.shared_memory { "; shared memory is open to clients" } else { "" };
    format!(
        "who may ask: {who}; requests of at most {} MiB, {} connections{memory}",
        gateway.max_request_mib, gateway.connections
    )
}
