//! `mvl runs plot`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use mvl::track::{Run, Workspace};
use mvl::train::plots::{compared_lines_svg, write_svg};
use serde::Serialize;

use super::find;
use crate::output::{Output, say};
use crate::system_metrics::PREFIX;
use crate::terminal_plot::draw;
use crate::workspace::{block, existing};

/// Points of a curve in a picture.
const POINTS: u32 = 2_000;

#[derive(Debug, Args)]
pub(crate) struct PlotArguments {
    /// One run or more: `latest`, ids or how they begin, or names.
    #[arg(default_value = "latest", num_args = 1..)]
    runs: Vec<String>,
    /// Figures to draw, one panel each; can be given often. All that every run has but the machine's (system/…), otherwise.
    #[arg(long, value_name = "NAME")]
    metric: Vec<String>,
    /// Write a picture (.svg) instead of drawing into the terminal.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A figure of a run over its steps.
#[derive(Debug, Serialize)]
pub(crate) struct Curve {
    pub(crate) run_id: String,
    /// What a legend calls it.
    pub(crate) name: String,
    pub(crate) metric: String,
    /// Steps and values, in the order of steps.
    pub(crate) points: Vec<(f64, f64)>,
}

/// A curve in at most about so many points.
pub(super) fn curve(workspace: &Workspace, run: &Run, metric: &str, points: u32) -> anyhow::Result<Curve> {
    let (here, ids, key) = (workspace.clone(), vec![run.info.run_id.clone()], metric.to_owned());
    let sampled = block(async move { here.tracker().metric_history_sampled(&ids, &key, points, None).await })?;
    let points = sampled.into_iter().map(|point| (point.step as f64, point.value)).collect();
    Ok(Curve { run_id: run.info.run_id.clone(), name: metric.to_owned(), metric: metric.to_owned(), points })
}

pub(super) fn run(arguments: PlotArguments, output: &Output) -> anyhow::Result<()> {
    let workspace = existing()?;
    let runs = find::all(&workspace, &arguments.runs)?;
    let metrics = if arguments.metric.is_empty() { common(&runs) } else { arguments.metric };
    anyhow::ensure!(!metrics.is_empty(), "the runs have no figure in common; name one with --metric");
    let mut panels = Vec::new();
    for metric in &metrics {
        let mut curves = Vec::new();
        for run in &runs {
            let curve = curve(&workspace, run, metric, POINTS)?;
            curves.push(Curve { name: run.info.run_name.clone(), ..curve });
        }
        panels.push((metric.as_str(), curves));
    }
    if let Some(file) = &arguments.out {
        let lines =
            |curves: &Vec<Curve>| curves.iter().map(|curve| (curve.name.clone(), curve.points.clone())).collect();
        let drawn: Vec<(&str, Vec<_>)> = panels.iter().map(|(metric, curves)| (*metric, lines(curves))).collect();
        let title =
            if let [run] = runs.as_slice() { run.info.run_name.clone() } else { format!("{} runs", runs.len()) };
        let svg = compared_lines_svg(&drawn, &title).map_err(|error| anyhow::anyhow!("cannot draw: {error}"))?;
        write_svg(file, &svg).context("cannot write the picture")?;
        say(format!("drawn to {}", file.display()));
        return Ok(());
    }
    output.result(&panels, || {
        let drawn = panels.iter().map(|(metric, curves)| format!("{metric}\n{}", draw(curves)));
        drawn.collect::<Vec<_>>().join("\n\n")
    })
}

/// The figures that every run has, but for the machine's.
fn common(runs: &[Run]) -> Vec<String> {
    let of = |run: &Run| run.data.metrics.iter().map(|metric| metric.key.clone()).collect::<BTreeSet<_>>();
    let all = runs.iter().map(of).reduce(|all, some| all.intersection(&some).cloned().collect());
    all.unwrap_or_default().into_iter().filter(|name| !name.starts_with(PREFIX)).collect()
}
