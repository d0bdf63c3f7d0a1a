//! `mvl train --find-learning-rate` and `--find-batch-size`: what to set before a run.

use std::path::Path;

use anyhow::{Context, anyhow};
use mvl::train::plots::learning_rate_svg;
use mvl::train::{BatchSizeReport, LearningRateCurve};

use crate::arguments::Outcome;
use crate::backends::with_backend;
use crate::finding::Trial;
use crate::job::write_text;
use crate::output::{Output, say, table};

/// Rows of a table, about.
const ROWS: usize = 20;
/// Files in a run's folder.
const PICTURE: &str = "learning_rate.svg";
const POINTS: &str = "learning_rate.json";

/// Prints what came of each learning rate, and writes it to `folder` if there is one.
pub(crate) fn learning_rate(trial: &Trial<'_>, folder: Option<&Path>, output: &Output) -> anyhow::Result<Outcome> {
    let curve = with_backend!(trial.config.backend, B => trial.learning_rate::<B>()?)?;
    if let Some(folder) = folder {
        let title = format!("Learning rates of {}", trial.config.model.name);
        let svg = learning_rate_svg(&curve, &title).map_err(|error| anyhow!(error)).context("cannot draw the rates")?;
        write_text(&folder.join(PICTURE), &svg)?;
        write_text(&folder.join(POINTS), &serde_json::to_string_pretty(&curve)?)?;
        say(format!("in {}: {PICTURE}, {POINTS}", folder.display()));
    }
    output.result(&curve, || rates(&curve))?;
    Ok(Outcome::Done)
}

/// Prints what came of each batch size.
pub(crate) fn batch_size(trial: &Trial<'_>, output: &Output) -> anyhow::Result<Outcome> {
    let report = with_backend!(trial.config.backend, B => trial.batch_size::<B>()?)?;
    output.result(&report, || sizes(&report))?;
    Ok(Outcome::Done)
}

fn rates(curve: &LearningRateCurve) -> String {
    let every = curve.points.len().div_ceil(ROWS).max(1);
    let is_suggested = |rate: f64| curve.suggestion == Some(rate);
    let shown = curve.points.iter().enumerate();
    let shown = shown.filter(|(place, (rate, _))| place.is_multiple_of(every) || is_suggested(*rate));
    let rows: Vec<_> = shown
        .map(|(_, (rate, loss))| {
            let mark = if is_suggested(*rate) { "falls fastest" } else { "" };
            vec![format!("{rate:13.2e}"), format!("{loss:13.4}"), mark.to_owned()]
        })
        .collect();
    let end = match curve.suggestion {
        Some(rate) => format!("suggestion: --learning-rate {rate:.2e}"),
        None => "no suggestion: the loss fell at no rate, look at the data and the model".to_owned(),
    };
    format!("{}\n\n{end}", table(&["learning rate", "smoothed loss", ""], &rows))
}

fn sizes(report: &BatchSizeReport) -> String {
    let row = |trial: &mvl::train::BatchSizeTrial| {
        let speed = trial.samples_per_second.map_or_else(|| "-".to_owned(), |speed| format!("{speed:.1}"));
        let memory = trial.memory_bytes.map_or_else(|| "-".to_owned(), |bytes| (bytes >> 20).to_string());
        let failure = trial.failure.as_deref().unwrap_or_default().lines().next().unwrap_or_default();
        vec![format!("{:10}", trial.batch_size), format!("{speed:>8}"), format!("{memory:>10}"), failure.to_owned()]
    };
    let rows: Vec<_> = report.trials.iter().map(row).collect();
    let end = match (report.suggestion, report.largest) {
        (Some(suggestion), Some(largest)) => {
            format!("suggestion: --batch-size {suggestion}; {largest} is the largest that fits")
        }
        _ if rows.is_empty() => "no suggestion: there is less data than the smallest batch".to_owned(),
        _ => "no suggestion: not even the smallest batch fits".to_owned(),
    };
    format!("{}\n\n{end}", table(&["batch size", "images/s", "memory MiB", ""], &rows))
}
