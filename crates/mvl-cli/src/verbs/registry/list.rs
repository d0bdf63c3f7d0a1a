//! `mvl registry list`.

use serde_json::json;

use crate::output::{Output, table};
use crate::workspace::{block, existing};

pub(super) fn run(output: &Output) -> anyhow::Result<()> {
    let workspace = existing()?;
    let models = block(async move { workspace.all_models().await })?;
    let told: Vec<_> = models
        .iter()
        .map(|model| {
            let latest = model.latest_versions.iter().map(|version| version.version).max();
            let aliases: serde_json::Map<_, _> =
                model.aliases.iter().map(|alias| (alias.alias.clone(), alias.version.into())).collect();
            json!({"name": model.name, "latest": latest, "aliases": aliases, "description": model.description})
        })
        .collect();
    output.result(&told, || {
        if models.is_empty() {
            return "no models are registered; `mvl train --register NAME` registers one".to_owned();
        }
        let rows = models.iter().map(|model| {
            let latest = model.latest_versions.iter().map(|version| version.version).max();
            let aliases = model.aliases.iter().map(|alias| format!("{} → {}", alias.alias, alias.version));
            let latest = latest.map(|latest| latest.to_string()).unwrap_or_default();
            let description = model.description.clone().unwrap_or_default();
            vec![model.name.clone(), latest, aliases.collect::<Vec<_>>().join(", "), description]
        });
        table(&["model", "latest", "aliases", "description"], &rows.collect::<Vec<_>>())
    })
}
