//! Our tracking server beside MLflow's: the same assertions, and the same requests against the clock.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::Verdict;
use crate::command::{build_program, root};

/// What the test prints of each server that the suite was run against.
const SUITE: &str = "mlflow suite, ";
/// The fewest kinds of calls that the suite may come to.
const KINDS: u64 = 120;
/// What the bench prints at its end: `tracking server: log-batch 30.1x, search 9.2x, memory 1/14.0`.
const SPEED: &str = "tracking server: ";
/// Points of the run that is drawn.
const POINTS: u32 = 1_000_000;
/// How much faster, and how much smaller, we are to be.
const GOALS: [(&str, f64); 3] = [("log-batch ", 20.0), ("search ", 5.0), ("memory 1/", 10.0)];

/// The suite passes on both servers.
pub(crate) fn suite() -> Result<Verdict> {
    let arguments =
        ["cargo", "test", "--release", "--workspace", "--quiet", "--test", "mlflow", "--", "--nocapture", "suite::"];
    let (passed, text) = beside_trackers(&arguments)?;
    let lines: Vec<_> = text.lines().filter_map(|line| Some(line.split_once(SUITE)?.1)).collect();
    let whole = |line: &&&str| {
        number_before(line, " of ").is_some_and(|cases| number_before(line, " cases") == Some(cases))
            && number_before(line, " kinds") >= Some(KINDS)
    };
    let holds = passed && lines.len() == 2 && lines.iter().filter(whole).count() == 2;
    if !holds {
        eprintln!("{text}");
    }
    Ok(Verdict::new(lines.join("; "), "all cases on both servers, at least 120 kinds of calls", holds))
}

/// The same requests, one server after the other.
pub(crate) fn speed() -> Result<Verdict> {
    let (passed, text) = beside_trackers(&["python3", "benches/tracking_server.py"])?;
    let line = text.lines().find_map(|line| line.strip_prefix(SPEED)).unwrap_or_default();
    let reached = |(what, goal): &(&str, f64)| {
        let figure = line.split_once(what).map(|(_, rest)| rest.split([',', 'x']).next().unwrap_or_default());
        figure.and_then(|figure| figure.parse::<f64>().ok()).is_some_and(|figure| figure >= *goal)
    };
    let holds = passed && GOALS.iter().all(reached);
    if !holds {
        eprintln!("{text}");
    }
    Ok(Verdict::new(line, "log-batch 20x, search 5x, a tenth of the memory", holds))
}

/// The whole command `mvl runs plot` on a run of a million points: into a picture and into the terminal, each five times in a row.
pub(crate) fn plot() -> Result<Verdict> {
    let mvl = build_program("mvl")?;
    let folder = root().join("target/prove/plot");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let run = |arguments: &[&str]| -> Result<Duration> {
        let mut command = Command::new(&mvl);
        command.args(arguments).current_dir(&folder).env_remove("MVL_TRACKING").stdout(Stdio::null());
        command.env_remove("MVL_TRACKING_DATABASE").env_remove("MVL_TRACKING_ARTIFACTS").stderr(Stdio::null());
        let begun = Instant::now();
        let status = command.status().with_context(|| format!("cannot run {}", mvl.display()))?;
        ensure!(status.success(), "mvl {} ended with {status}", arguments.join(" "));
        Ok(begun.elapsed())
    };
    write_curve(&folder.join("run.jsonl"), POINTS)?;
    run(&["runs", "import", "run.jsonl"])?;
    let (mut slowest, mut figures) = (Duration::ZERO, Vec::new());
    for (what, more) in [("SVG", &["--out", "loss.svg"][..]), ("terminal", &[])] {
        let mut times = Vec::new();
        for _ in 0..5 {
            times.push(run(&[&["runs", "plot", "latest", "--metric", "loss"], more].concat())?);
        }
        times.sort();
        slowest = slowest.max(times[4]);
        figures.push(format!(
            "{what} {:.0} ms (slowest {:.0})",
            times[2].as_secs_f64() * 1e3,
            times[4].as_secs_f64() * 1e3
        ));
    }
    let svg = fs::metadata(folder.join("loss.svg"))?.len();
    let figure = format!("{POINTS} points: {}; the picture has {} KiB", figures.join(", "), svg >> 10);
    Ok(Verdict::new(figure, "below 1 s", slowest < Duration::from_secs(1) && svg > 10_000))
}

/// A run of one metric, as `mvl runs import` reads it.
fn write_curve(file: &Path, points: u32) -> Result<()> {
    let mut out = BufWriter::new(fs::File::create(file)?);
    write!(
        out,
        r#"{{"version":1,"run_id":"a","experiment":"plot","name":"long","status":"FINISHED","start_time":0,"end_time":1,"#
    )?;
    write!(out, r#""params":{{}},"tags":{{}},"metrics":{{"loss":["#)?;
    for step in 0..points {
        let value = (f64::from(step) / 1e5).sin() + f64::from(step % 97) / 97.0;
        let comma = if step == 0 { "" } else { "," };
        write!(out, r#"{comma}{{"step":{step},"time":{step},"value":{value}}}"#)?;
    }
    out.write_all(b"]}}\n")?;
    Ok(out.flush()?)
}

/// Runs a command with `mlflow server` beside it: whether it succeeded, and everything that was said.
fn beside_trackers(arguments: &[&str]) -> Result<(bool, String)> {
    let mut command = Command::new(root().join("scripts/with_trackers.sh"));
    let output = command.args(arguments).current_dir(root()).output().context("cannot run scripts/with_trackers.sh")?;
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    Ok((output.status.success() && !text.contains("skipped: "), text))
}

fn number_before(line: &str, word: &str) -> Option<u64> {
    line.split_once(word)?.0.rsplit(' ').next()?.parse().ok()
}
