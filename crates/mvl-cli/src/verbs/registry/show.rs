//! `mvl registry show` and `diff`.

use clap::Args;
use mvl::track::manifest::{ModelManifest, differences};
use mvl::track::{ModelVersion, VersionSearch};
use serde_json::{Value, json};

use super::address;
use crate::output::{Output, table, thousands};
use crate::workspace::{block, existing};

#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// A model's name, or one version of it: NAME/3, NAME@champion.
    model: String,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArguments {
    /// The earlier version: NAME/3, NAME@champion.
    was: String,
    /// The later one.
    is: String,
}

pub(super) fn run(arguments: ShowArguments, output: &Output) -> anyhow::Result<()> {
    let workspace = existing()?;
    if arguments.model.contains(['/', '@']) {
        let address = address(&arguments.model);
        let (version, manifest) = block(async move {
            let version = workspace.registry().resolve(&address).await?;
            let manifest = match &version.manifest {
                Some(_) => Some(workspace.manifest(&version).await?),
                None => None,
            };
            Ok((version, manifest))
        })?;
        return output.result(&sheet(&version, manifest.as_ref()), || text(&version, manifest.as_ref()));
    }
    let name = arguments.model;
    let (model, versions) = block(async move {
        let model = workspace.registry().get_model(&name).await?;
        let filter = format!("name = '{}'", name.replace('\'', "''"));
        let search =
            VersionSearch { filter, order_by: vec!["version_number DESC".to_owned()], ..VersionSearch::default() };
        Ok((model, workspace.registry().search_versions(&search).await?.items))
    })?;
    let told: Vec<_> = versions.iter().map(|version| sheet(version, None)).collect();
    output.result(&json!({"name": model.name, "description": model.description, "versions": told}), || {
        let rows = versions.iter().map(|version| {
            vec![
                version.version.to_string(),
                version.aliases.join(", "),
                version.run_id.as_ref().map(|run| run.chars().take(8).collect()).unwrap_or_default(),
                version.description.clone().unwrap_or_default(),
            ]
        });
        let rows = table(&["version", "aliases", "run", "description"], &rows.collect::<Vec<_>>());
        let description = model.description.map(|description| format!("{description}\n")).unwrap_or_default();
        format!("{}\n{description}\n{rows}", model.name)
    })
}

fn sheet(version: &ModelVersion, manifest: Option<&ModelManifest>) -> Value {
    json!({
        "name": version.name, "version": version.version, "aliases": version.aliases, "run_id": version.run_id,
        "source": version.source, "digest": version.manifest, "description": version.description, "manifest": manifest,
    })
}

fn text(version: &ModelVersion, manifest: Option<&ModelManifest>) -> String {
    let mut lines = vec![format!("{}, version {}", version.name, version.version)];
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            lines.push(format!("{name:<14}{value}"));
        }
    };
    line("aliases", &version.aliases.join(", "));
    line("description", version.description.as_deref().unwrap_or_default());
    line("run", version.run_id.as_deref().unwrap_or_default());
    line("source", version.source.as_deref().unwrap_or_default());
    line("digest", version.manifest.as_deref().unwrap_or_default());
    let Some(manifest) = manifest else { return lines.join("\n") };
    let (card, lineage) = (&manifest.card, &manifest.lineage);
    line("summary", &card.summary);
    line("intended use", &card.intended_use);
    line("limitations", &card.limitations);
    line("licence", &card.licence);
    line("code", lineage.code_version.as_deref().unwrap_or_default());
    line("data", &lineage.data.map(|digest| digest.to_string()).unwrap_or_default());
    line("config", &lineage.config.map(|digest| digest.to_string()).unwrap_or_default());
    line("parent", lineage.parent.as_deref().unwrap_or_default());
    line("labels", &manifest.labels.join(", "));
    for (what, tensors) in
        manifest.signature.iter().flat_map(|signature| [("in", &signature.inputs), ("out", &signature.outputs)])
    {
        for tensor in tensors {
            let sides: Vec<_> = tensor
                .shape
                .iter()
                .map(|side| side.map_or_else(|| "any".to_owned(), |side| side.to_string()))
                .collect();
            line(what, &format!("{} {} [{}]", tensor.name, tensor.dtype, sides.join(", ")));
        }
    }
    for (set, metrics) in &card.metrics {
        let figures: Vec<_> = metrics.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
        line(&format!("on {set}"), &figures.join(", "));
    }
    lines.push("files".to_owned());
    for (path, file) in &manifest.files {
        lines.push(format!("  {path}  {} bytes  {}", thousands(file.bytes as usize), file.digest));
    }
    lines.join("\n")
}

pub(super) fn diff(arguments: DiffArguments, output: &Output) -> anyhow::Result<()> {
    let workspace = existing()?;
    let [was, is] = [&arguments.was, &arguments.is].map(|typed| address(typed));
    let found = block(async move {
        let mut manifests = Vec::new();
        for address in [was, is] {
            manifests.push(workspace.manifest(&workspace.registry().resolve(&address).await?).await?);
        }
        differences(&manifests[0], &manifests[1])
    })?;
    output.result(&found, || {
        if found.is_empty() {
            return "no difference".to_owned();
        }
        let brief = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let rows: Vec<_> = found.iter().map(|one| vec![one.path.clone(), brief(&one.was), brief(&one.is)]).collect();
        table(&["what", "was", "is"], &rows)
    })
}
