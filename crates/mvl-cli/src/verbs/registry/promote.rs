//! `mvl registry promote` and `rollback`.

use clap::Args;
use mvl::track::manifest::Gate;
use serde_json::json;

use crate::output::{Output, say};
use crate::workspace::{block, existing, policy};

#[derive(Debug, Args)]
pub(crate) struct PromoteArguments {
    /// The model's name.
    name: String,
    /// The version.
    version: u64,
    /// What is to stand for it.
    #[arg(long, value_name = "ALIAS", default_value = "champion")]
    alias: String,
    /// What its card must show, such as "test:accuracy>=0.9,test:loss<0.5".
    #[arg(long, value_name = "BOUNDS")]
    gate: Option<Gate>,
    /// Only if the alias stands for this version now; 0 if there must be no such alias.
    #[arg(long, value_name = "VERSION")]
    expect: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct RollbackArguments {
    /// The model's name.
    name: String,
    /// The alias.
    #[arg(long, value_name = "ALIAS", default_value = "champion")]
    alias: String,
}

pub(super) fn run(arguments: PromoteArguments, output: &Output) -> anyhow::Result<()> {
    let (workspace, policy) = (existing()?, policy()?);
    let PromoteArguments { name, version, alias, gate, expect } = arguments;
    let (here, model) = (workspace.clone(), name.clone());
    let (manifest, stands_for) = block(async move {
        let known = here.registry().get_version(&model, version).await?;
        let manifest = here.verify_model(&known, &policy).await?;
        let aliases = here.registry().get_model(&model).await?.aliases;
        Ok((manifest, aliases))
    })?;
    let report = gate.as_ref().map(|gate| gate.judge(&manifest));
    for verdict in report.iter().flat_map(|report| &report.verdicts) {
        let value = verdict.value.map_or_else(|| "not measured".to_owned(), |value| format!("{value:.4}"));
        say(format!("{}  {}: {value}", if verdict.passed { "passes" } else { "fails " }, verdict.bound));
    }
    anyhow::ensure!(
        report.as_ref().is_none_or(|report| report.passed()),
        "version {version} of {name:?} does not pass; {alias:?} stays where it is"
    );
    let now = stands_for.iter().find(|known| known.alias == alias).map(|known| known.version);
    let expected = match expect {
        Some(0) => None,
        Some(expected) => Some(expected),
        None => now,
    };
    let (model, moved) = (name.clone(), alias.clone());
    block(async move { workspace.registry().promote(&model, &moved, version, expected).await })?;
    let told = json!({"name": name, "alias": alias, "version": version, "before": now, "gate": report});
    output.result(&told, || {
        let before = now.map(|now| format!(", which stood for {now}")).unwrap_or_default();
        format!("{alias}{before}, stands for version {version} of {name}: models:/{name}@{alias}")
    })
}

pub(super) fn rollback(arguments: RollbackArguments, output: &Output) -> anyhow::Result<()> {
    let workspace = existing()?;
    let RollbackArguments { name, alias } = arguments;
    let (model, moved) = (name.clone(), alias.clone());
    let version = block(async move { workspace.registry().rollback(&model, &moved).await })?.version;
    let told = json!({"name": name, "alias": alias, "version": version});
    output.result(&told, || format!("{alias} stands for version {version} of {name} again"))
}
