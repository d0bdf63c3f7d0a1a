//! `mvl keys`: API keys for `mvl serve` and `mvl track serve`, in a file that has their digests alone.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use mvl_serve::{KeyEntry, KeyFile, ModelPattern, Scope};
use serde_json::json;

use crate::arguments::Outcome;
use crate::output::{Output, table};

#[derive(Debug, Subcommand)]
pub(crate) enum KeysVerb {
    /// Make a key and show it, once; the file, which is made where it is missing, gets its digest.
    New(NewArguments),
    /// List the keys of a file.
    List {
        /// The file.
        file: PathBuf,
    },
    /// End a key; servers that run see it within a second.
    Revoke {
        /// The file.
        file: PathBuf,
        /// The key's name.
        name: String,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Scopes: infer asks models; read sees models, metrics and statistics; manage loads, unloads, creates and sends traffic elsewhere.

Examples:
  mvl keys new keys.toml camera-7 --scope infer --model 'shoes*' --per-minute 600
  mvl keys new keys.toml ops --scope read --scope manage --expires 2027-01-01T00:00:00Z")]
pub(crate) struct NewArguments {
    /// The file.
    file: PathBuf,
    /// What the key is called.
    name: String,
    /// What it may do; can be given often [default: infer and read].
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<Scope>,
    /// A model that it may use, or a pattern with `*`; can be given often [default: all].
    #[arg(long, value_name = "MODEL")]
    model: Vec<String>,
    /// Until when it is good, such as 2027-01-01T00:00:00Z [default: for ever].
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    /// The most requests a minute.
    #[arg(long, value_name = "N")]
    per_minute: Option<NonZeroU32>,
    /// The most requests a day.
    #[arg(long, value_name = "N")]
    per_day: Option<NonZeroU32>,
}

pub(crate) fn run(verb: KeysVerb, output: &Output) -> anyhow::Result<Outcome> {
    match verb {
        KeysVerb::New(arguments) => new(arguments, output)?,
        KeysVerb::List { file } => list(&KeyFile::read(&file)?, output)?,
        KeysVerb::Revoke { file, name } => revoke(&file, &name, output)?,
    }
    Ok(Outcome::Done)
}

fn new(arguments: NewArguments, output: &Output) -> anyhow::Result<()> {
    let mut file = if arguments.file.exists() { KeyFile::read(&arguments.file)? } else { KeyFile::default() };
    let scopes = if arguments.scope.is_empty() { vec![Scope::Infer, Scope::Read] } else { arguments.scope };
    let (key, mut entry) = KeyEntry::draw(&arguments.name, scopes)?;
    let models: Vec<_> = arguments.model.into_iter().map(ModelPattern).collect();
    entry.models = (!models.is_empty()).then_some(models);
    entry.requests_per_minute = arguments.per_minute;
    entry.requests_per_day = arguments.per_day;
    if let Some(text) = arguments.expires {
        let expires =
            text.parse().with_context(|| format!("expected a moment such as 2027-01-01T00:00:00Z, got {text:?}"));
        entry.expires = Some(expires?);
    }
    file.keys.push(entry);
    file.write(&arguments.file)?;
    let told = json!({ "name": arguments.name, "key": key, "file": arguments.file });
    output.result(&told, || {
        format!(
            "{key}\nthe key {:?}, shown this once: {} has its digest alone",
            arguments.name,
            arguments.file.display()
        )
    })
}

fn list(file: &KeyFile, output: &Output) -> anyhow::Result<()> {
    let state = |key: &KeyEntry| match (key.revoked, key.is_good()) {
        (true, _) => "revoked",
        (false, true) => "good",
        (false, false) => "expired",
    };
    let keys: Vec<_> = file
        .keys
        .iter()
        .map(|key| {
            json!({
                "name": key.name, "state": state(key), "scopes": key.scopes, "models": key.models,
                "expires": key.expires.map(|expires| expires.to_string()),
                "requests_per_minute": key.requests_per_minute, "requests_per_day": key.requests_per_day,
            })
        })
        .collect();
    output.result(&keys, || {
        let or = |text: Option<String>, otherwise: &str| text.unwrap_or_else(|| otherwise.to_owned());
        let rows: Vec<Vec<String>> = file
            .keys
            .iter()
            .map(|key| {
                let models = key.models.as_ref().map(|models| join(models.iter().map(|model| model.0.as_str())));
                vec![
                    key.name.clone(),
                    state(key).to_owned(),
                    join(key.scopes.iter().map(|scope| scope.name())),
                    or(models, "all"),
                    or(key.expires.map(|expires| expires.to_string()), "never"),
                    or(key.requests_per_minute.map(|limit| limit.to_string()), "any"),
                    or(key.requests_per_day.map(|limit| limit.to_string()), "any"),
                ]
            })
            .collect();
        table(&["key", "state", "scopes", "models", "expires", "a minute", "a day"], &rows)
    })
}

fn join<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(" ")
}

fn revoke(path: &Path, name: &str, output: &Output) -> anyhow::Result<()> {
    let mut file = KeyFile::read(path)?;
    let names = join(file.keys.iter().map(|key| key.name.as_str()));
    let key = file.keys.iter_mut().find(|key| key.name == name);
    key.with_context(|| format!("there is no key {name:?} in {}; expected one of: {names}", path.display()))?.revoked =
        true;
    file.write(path)?;
    output.result(&json!({ "name": name, "revoked": true }), || format!("{name} is good no more"))
}
