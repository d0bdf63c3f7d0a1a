//! `mvl runs show`.

use std::fmt::Write;

use clap::Args;
use mvl::track::{Artifact, ArtifactOwner, Run, ViewType};
use serde::Serialize;

use super::find::{self, SHORT_ID, ago, duration, figure, span};
use super::list::RunRow;
use super::plot::{Curve, curve};
use crate::output::{Output, thousands};
use crate::terminal_plot::draw;
use crate::workspace::{block, existing};

/// Points of a curve, which is more than a terminal has columns.
const POINTS: u32 = 400;
/// Curves that are drawn where none are named: what is measured by epoch, then by step.
const USUAL: [[&str; 2]; 2] = [["valid_accuracy", "train_accuracy"], ["valid_loss", "train_loss"]];
const USUAL_BY_STEP: &str = "loss";
/// Settings and tags that are shown before they are only counted.
const LINES: usize = 40;

#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// `latest`, an id or how one begins, or a name.
    #[arg(default_value = "latest")]
    run: String,
    /// Figures to draw; can be given often.
    #[arg(long, value_name = "NAME")]
    metric: Vec<String>,
    /// All settings and tags, however many.
    #[arg(long)]
    all: bool,
}

/// A run, for machines.
#[derive(Debug, Serialize)]
struct Sheet {
    #[serde(flatten)]
    run: RunRow,
    artifacts: Vec<File>,
}

#[derive(Debug, Serialize)]
struct File {
    path: String,
    bytes: u64,
    digest: String,
}

pub(super) fn run(arguments: ShowArguments, output: &Output) -> anyhow::Result<()> {
    let workspace = existing()?;
    let run = find::run(&workspace, &arguments.run, ViewType::All)?;
    let experiments = find::experiments(&workspace)?;
    let experiment = experiments.get(&run.info.experiment_id).map_or("", String::as_str);
    let (here, owner) = (workspace.clone(), ArtifactOwner::Run(run.info.run_id.clone()));
    let files = block(async move { here.artifacts_below(&owner, "").await })?;

    let known = |name: &str| run.data.metrics.iter().any(|metric| metric.key == name);
    let mut panels: Vec<Vec<&str>> = match arguments.metric.as_slice() {
        [] => USUAL.iter().map(|names| names.iter().copied().filter(|name| known(name)).collect()).collect(),
        named => named.iter().map(|name| vec![name.as_str()]).collect(),
    };
    panels.retain(|names| !names.is_empty());
    if panels.is_empty() && known(USUAL_BY_STEP) {
        panels.push(vec![USUAL_BY_STEP]);
    }
    let mut drawn = Vec::new();
    for names in panels {
        let curves = names.iter().map(|name| curve(&workspace, &run, name, POINTS));
        drawn.push(curves.collect::<anyhow::Result<Vec<Curve>>>()?);
    }
    let sheet = Sheet {
        run: RunRow::new(&run, experiment),
        artifacts: files
            .iter()
            .map(|file| File {
                path: file.path.clone(),
                bytes: file.bytes,
                digest: file.digest.map(|digest| digest.to_string()).unwrap_or_default(),
            })
            .collect(),
    };
    output.result(&sheet, || text(&run, &sheet, &drawn, &files, arguments.all))
}

fn text(run: &Run, sheet: &Sheet, drawn: &[Vec<Curve>], files: &[Artifact], all: bool) -> String {
    let mut text = String::new();
    let mut line = |what: String| {
        text.push_str(&what);
        text.push('\n');
    };
    let info = &run.info;
    line(format!("{}  {} ({})", &info.run_id[..SHORT_ID], info.run_name, info.run_id));
    let begun = info.start_time.map(|time| format!(", begun {}", ago(time))).unwrap_or_default();
    let took = duration(run).map(|time| format!(", took {}", span(time))).unwrap_or_default();
    line(format!("experiment {}, {}{begun}{took}", sheet.run.experiment, info.status.as_str().to_lowercase()));
    for curves in drawn {
        line(String::new());
        line(draw(curves));
    }
    if !run.data.metrics.is_empty() {
        line("\nlast figures".to_owned());
        let mut metrics: Vec<_> = run.data.metrics.iter().collect();
        metrics.sort_by(|a, b| a.key.cmp(&b.key));
        let width = metrics.iter().map(|metric| metric.key.chars().count()).max().unwrap_or(0);
        for metric in metrics {
            line(format!("  {:<width$}  {}", metric.key, figure(metric.value)));
        }
    }
    let shown = if all { usize::MAX } else { LINES };
    let params: Vec<_> = run.data.params.iter().map(|param| (&param.key, &param.value)).collect();
    let tags: Vec<_> = run.data.tags.iter().map(|tag| (&tag.key, &tag.value)).collect();
    for (title, mut pairs) in [("settings", params), ("tags", tags)] {
        if pairs.is_empty() {
            continue;
        }
        pairs.sort();
        line(format!("\n{title}"));
        let width = pairs.iter().take(shown).map(|(key, _)| key.chars().count()).max().unwrap_or(0);
        for (key, value) in pairs.iter().take(shown) {
            line(format!("  {key:<width$}  {}", brief(value)));
        }
        if pairs.len() > shown {
            line(format!("  … {} more, --all shows them", pairs.len() - shown));
        }
    }
    if !files.is_empty() {
        line("\nfiles".to_owned());
        let width = files.iter().map(|file| file.path.chars().count()).max().unwrap_or(0);
        for file in files {
            line(format!("  {:<width$}  {} bytes", file.path, thousands(file.bytes as usize)));
        }
    }
    let mut out = text;
    if let Some(parent) = run.data.tags.iter().find(|tag| tag.key == "mlflow.parentRunId") {
        let _ = write!(out, "\nbelow run {}\n", parent.value);
    }
    out.trim_end().to_owned()
}

/// A value in one line.
fn brief(value: &str) -> String {
    const MOST: usize = 100;
    let line = value.lines().next().unwrap_or_default();
    if line.chars().count() > MOST || line.len() < value.len() {
        let cut: String = line.chars().take(MOST).collect();
        return format!("{cut}…");
    }
    line.to_owned()
}
