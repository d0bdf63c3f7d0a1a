//! `mvl runs list`.

use clap::Args;
use mvl::track::{Run, RunSearch, ViewType};
use serde::Serialize;

use super::find::{self, SHORT_ID, ago, duration, figure, span};
use crate::output::{Output, table};
use crate::workspace::existing;

/// The figures that are shown where none are named, and a run has them.
const USUAL: [&str; 4] = ["test_accuracy", "valid_accuracy", "valid_loss", "train_loss"];
/// Of these, at most so many.
const USUAL_SHOWN: usize = 3;

#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Only runs of this experiment.
    #[arg(long, value_name = "NAME")]
    experiment: Option<String>,
    /// Only runs like this, such as "metrics.valid_accuracy > 0.9 and params.model.name = 'resnet18'", in MLflow's words.
    #[arg(long, value_name = "FILTER", default_value = "", hide_default_value = true)]
    filter: String,
    /// By a figure or a setting, such as "metrics.valid_accuracy DESC"; the latest first otherwise.
    #[arg(long, value_name = "FIELD")]
    order_by: Vec<String>,
    /// Figures to show; can be given often.
    #[arg(long, value_name = "NAME")]
    metric: Vec<String>,
    /// Settings to show; can be given often.
    #[arg(long, value_name = "NAME")]
    param: Vec<String>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Deleted runs instead.
    #[arg(long)]
    deleted: bool,
}

/// A run, for machines.
#[derive(Debug, Serialize)]
pub(super) struct RunRow {
    pub(super) run_id: String,
    pub(super) name: String,
    pub(super) experiment: String,
    pub(super) status: String,
    pub(super) start_time_ms: Option<i64>,
    pub(super) end_time_ms: Option<i64>,
    pub(super) metrics: serde_json::Map<String, serde_json::Value>,
    pub(super) params: serde_json::Map<String, serde_json::Value>,
    pub(super) tags: serde_json::Map<String, serde_json::Value>,
}

impl RunRow {
    pub(super) fn new(run: &Run, experiment: &str) -> Self {
        let pairs = |pairs: Vec<(&String, serde_json::Value)>| {
            pairs.into_iter().map(|(name, value)| (name.clone(), value)).collect()
        };
        let (info, data) = (&run.info, &run.data);
        Self {
            run_id: info.run_id.clone(),
            name: info.run_name.clone(),
            experiment: experiment.to_owned(),
            status: info.status.as_str().to_owned(),
            start_time_ms: info.start_time,
            end_time_ms: info.end_time,
            metrics: pairs(data.metrics.iter().map(|metric| (&metric.key, number(metric.value))).collect()),
            params: pairs(data.params.iter().map(|param| (&param.key, param.value.clone().into())).collect()),
            tags: pairs(data.tags.iter().map(|tag| (&tag.key, tag.value.clone().into())).collect()),
        }
    }
}

/// JSON has no word for what is no number.
fn number(value: f64) -> serde_json::Value {
    serde_json::Number::from_f64(value).map_or_else(|| value.to_string().into(), Into::into)
}

pub(super) fn run(arguments: ListArguments, output: &Output) -> anyhow::Result<()> {
    let workspace = existing()?;
    let mut experiments = find::experiments(&workspace)?;
    if let Some(wanted) = &arguments.experiment {
        experiments.retain(|_, name| name == wanted);
        anyhow::ensure!(!experiments.is_empty(), "no experiment {wanted:?}");
    }
    let search = RunSearch {
        filter: arguments.filter,
        order_by: arguments.order_by,
        view: if arguments.deleted { ViewType::DeletedOnly } else { ViewType::ActiveOnly },
        ..RunSearch::of(experiments.keys().cloned())
    };
    let runs = find::search(&workspace, search, arguments.limit)?;
    let experiment = |run: &Run| experiments.get(&run.info.experiment_id).map_or("", String::as_str);
    let rows: Vec<RunRow> = runs.iter().map(|run| RunRow::new(run, experiment(run))).collect();
    output.result(&rows, || text(&runs, &rows, &arguments.metric, &arguments.param))
}

fn text(runs: &[Run], rows: &[RunRow], metrics: &[String], params: &[String]) -> String {
    if runs.is_empty() {
        return "no runs".to_owned();
    }
    let metric =
        |run: &Run, name: &str| run.data.metrics.iter().find(|metric| metric.key == name).map(|metric| metric.value);
    let usual = USUAL.iter().filter(|name| runs.iter().any(|run| metric(run, name).is_some()));
    let metrics: Vec<String> = match metrics {
        [] => usual.take(USUAL_SHOWN).map(|name| (*name).to_owned()).collect(),
        named => named.to_vec(),
    };
    let mut heading = vec!["run", "name", "experiment", "status", "begun", "took"];
    heading.extend(metrics.iter().chain(params).map(String::as_str));
    let cells = |(run, row): (&Run, &RunRow)| {
        let mut cells = vec![
            run.info.run_id[..SHORT_ID].to_owned(),
            row.name.clone(),
            row.experiment.clone(),
            row.status.to_lowercase(),
            run.info.start_time.map(ago).unwrap_or_default(),
            duration(run).map(span).unwrap_or_default(),
        ];
        cells.extend(metrics.iter().map(|name| metric(run, name).map(figure).unwrap_or_default()));
        let param =
            |name: &String| run.data.params.iter().find(|param| param.key == *name).map(|param| param.value.clone());
        cells.extend(params.iter().map(|name| param(name).unwrap_or_default()));
        cells
    };
    table(&heading, &runs.iter().zip(rows).map(cells).collect::<Vec<_>>())
}
