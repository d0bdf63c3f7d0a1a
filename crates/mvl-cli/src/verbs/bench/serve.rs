//! `mvl bench serve`: how fast a server answers.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use mvl_serve::load::{Load, LoadReport, Question};

use crate::arguments::Outcome;
use crate::output::{Output, say, table};

/// Asks a server over REST, with pictures or with a body of your own, over several connections.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mvl bench serve demo --photo photo.jpg
  mvl bench serve demo --photo *.jpg --connections 64 --rate 200 --seconds 30
  mvl bench serve echo --path /v2/models/echo/infer --body request.json")]
pub(crate) struct ServeArguments {
    /// The model.
    model: String,
    /// Where the server is.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8000")]
    address: String,
    /// Pictures, asked in turn.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    photo: Vec<PathBuf>,
    /// A body to send as it is, to --path.
    #[arg(long, value_name = "FILE", conflicts_with = "photo", requires = "path")]
    body: Option<PathBuf>,
    /// Where to send it; with pictures it is /v1/models/MODEL:predict.
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// A header to send along, NAME: VALUE.
    #[arg(long, value_name = "HEADER")]
    header: Vec<String>,
    /// How many connections ask at once.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    connections: u16,
    /// For how long, after two seconds of warm-up.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    seconds: f64,
    /// How many requests a second, all connections together; as many as are answered if nothing is said.
    #[arg(long, value_name = "N")]
    rate: Option<f64>,
}

pub(super) fn run(arguments: ServeArguments, output: &Output) -> anyhow::Result<Outcome> {
    anyhow::ensure!(
        arguments.seconds.is_finite() && arguments.seconds > 0.0,
        "expected --seconds above 0, got {}",
        arguments.seconds
    );
    let load = Load {
        authority: arguments.address.clone(),
        questions: questions(&arguments)?,
        connections: arguments.connections.into(),
        warm_up: Duration::from_secs(2),
        duration: Duration::from_secs_f64(arguments.seconds),
        rate: arguments.rate,
    };
    say(format!("asking {} for {} s over {} connections", load.authority, arguments.seconds, load.connections));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    let report = runtime.block_on(load.run())?;
    output.result(&report, || describe(&report))?;
    let answered: u64 = report.statuses.values().sum();
    anyhow::ensure!(report.answers > 0, "no good answer: {answered} answers with statuses {:?}", report.statuses);
    Ok(Outcome::Done)
}

fn questions(arguments: &ServeArguments) -> anyhow::Result<Vec<Question>> {
    let headers = arguments.header.iter().map(|header| {
        let (name, value) = header.split_once(':').with_context(|| format!("expected NAME: VALUE, got {header:?}"))?;
        Ok((name.trim().to_owned(), value.trim().to_owned()))
    });
    let headers: Vec<(String, String)> = headers.collect::<anyhow::Result<_>>()?;
    let path = arguments.path.clone().unwrap_or_else(|| format!("/v1/models/{}:predict", arguments.model));
    let files = match &arguments.body {
        Some(body) => std::slice::from_ref(body),
        None => &arguments.photo[..],
    };
    anyhow::ensure!(!files.is_empty(), "nothing to ask: give --photo FILE, or --body FILE and --path");
    let kind = if arguments.body.is_some() { "application/json" } else { "application/octet-stream" };
    let ask = |file: &PathBuf| {
        let body = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let mut headers = headers.clone();
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            headers.push(("content-type".to_owned(), kind.to_owned()));
        }
        Ok(Question { body: Some(body.into()), path: path.clone(), headers })
    };
    files.iter().map(ask).collect()
}

fn describe(report: &LoadReport) -> String {
    let ms = |value: f64| format!("{value:.2} ms");
    let mut rows = vec![
        vec!["answers a second".to_owned(), format!("{:.1}", report.per_second)],
        vec!["mean".to_owned(), ms(report.mean_ms)],
        vec!["half within".to_owned(), ms(report.p50_ms)],
        vec!["90 % within".to_owned(), ms(report.p90_ms)],
        vec!["99 % within".to_owned(), ms(report.p99_ms)],
        vec!["99.9 % within".to_owned(), ms(report.p999_ms)],
        vec!["longest".to_owned(), ms(report.max_ms)],
    ];
    for (status, count) in &report.statuses {
        rows.push(vec![format!("status {status}"), count.to_string()]);
    }
    if report.broken > 0 {
        rows.push(vec!["broken connections".to_owned(), report.broken.to_string()]);
    }
    table(&["", "measured"], &rows)
}
