//! `mvl runs compare`.

use std::collections::BTreeSet;

use clap::Args;
use mvl::track::Run;
use serde::Serialize;

use super::find::{self, SHORT_ID, figure};
use super::list::RunRow;
use crate::output::{Output, table};
use crate::workspace::existing;

#[derive(Debug, Args)]
pub(crate) struct CompareArguments {
    /// Two runs or more: `latest`, ids or how they begin, or names.
    #[arg(required = true, num_args = 2..)]
    runs: Vec<String>,
    /// Settings that are the same, too.
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Serialize)]
struct Comparison {
    runs: Vec<RunRow>,
    /// Settings that differ.
    differing: Vec<String>,
}

pub(super) fn run(arguments: CompareArguments, output: &Output) -> anyhow::Result<()> {
    let workspace = existing()?;
    let runs = find::all(&workspace, &arguments.runs)?;
    let experiments = find::experiments(&workspace)?;
    let row = |run: &Run| RunRow::new(run, experiments.get(&run.info.experiment_id).map_or("", String::as_str));
    let names: BTreeSet<&str> =
        runs.iter().flat_map(|run| run.data.params.iter().map(|param| param.key.as_str())).collect();
    let differs = |name: &&str| {
        let values: BTreeSet<Option<&str>> = runs.iter().map(|run| param(run, name)).collect();
        values.len() > 1
    };
    let differing: Vec<&str> = names.iter().copied().filter(differs).collect();
    let comparison = Comparison {
        runs: runs.iter().map(row).collect(),
        differing: differing.iter().map(|name| (*name).to_owned()).collect(),
    };
    let shown: Vec<&str> = if arguments.all { names.into_iter().collect() } else { differing };
    output.result(&comparison, || text(&runs, &shown))
}

fn param<'a>(run: &'a Run, name: &str) -> Option<&'a str> {
    run.data.params.iter().find(|param| param.key == name).map(|param| param.value.as_str())
}

fn text(runs: &[Run], params: &[&str]) -> String {
    let ids: Vec<String> =
        runs.iter().map(|run| format!("{} {}", &run.info.run_id[..SHORT_ID], run.info.run_name)).collect();
    let heading = |what| [what].into_iter().chain(ids.iter().map(String::as_str)).collect::<Vec<_>>();
    let settings = params.iter().map(|name| {
        let values = runs.iter().map(|run| param(run, name).unwrap_or_default().to_owned());
        [(*name).to_owned()].into_iter().chain(values).collect()
    });
    let settings: Vec<Vec<String>> = settings.collect();
    let metric =
        |run: &Run, name: &str| run.data.metrics.iter().find(|metric| metric.key == name).map(|metric| metric.value);
    let names: BTreeSet<&str> =
        runs.iter().flat_map(|run| run.data.metrics.iter().map(|metric| metric.key.as_str())).collect();
    let figures = names.iter().map(|name| {
        let values = runs.iter().map(|run| metric(run, name).map(figure).unwrap_or_default());
        [(*name).to_owned()].into_iter().chain(values).collect()
    });
    let figures: Vec<Vec<String>> = figures.collect();
    let settings =
        if settings.is_empty() { "settings are the same".to_owned() } else { table(&heading("setting"), &settings) };
    format!("{settings}\n\n{}", table(&heading("last figure"), &figures))
}
