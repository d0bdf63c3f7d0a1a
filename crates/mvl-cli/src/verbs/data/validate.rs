//! `mvl data validate`: what is wrong with this data set, and may it be trained on?

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use mvl::core::{Dataset, write_atomically};
use mvl::data::{Policy, ValidationOutcome, ValidationReport, validate, write_good_list};

use super::parts::open_parts;
use crate::arguments::Outcome;
use crate::config::read_strictly;
use crate::output::{Output, count, say, table};

/// Looks for damaged images, wrong boxes and masks, duplicates and leaks, and lets a policy decide about each.
#[derive(Debug, Args)]
#[command(after_help = "\
A policy is a TOML file; every key is optional:
  near_duplicate_bits = 3      # bits of 64 in which the hashes of near duplicates differ at most, 0 to 8
  imbalance_ratio = 10.0       # how many times as often the largest class may occur
  rare_class_samples = 10
  [checks]                     # off, note, fix (mend it), skip (leave the sample out), fail
  leakage = \"fail\"
  near_duplicate = \"skip\"
The exit code is 1 when the policy says fail.")]
pub(crate) struct ValidateArguments {
    /// A data set, as for `mvl data inspect`.
    path: String,
    /// Write a page with counts, findings and pictures of them into this file.
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// What is done about what is found.
    #[arg(long, value_name = "FILE.toml")]
    policy: Option<PathBuf>,
    /// Write the list of good samples into this file, as a manifest.
    #[arg(long, value_name = "FILE.jsonl")]
    write_good: Option<PathBuf>,
    /// Threads that look at samples; 0 means one a core.
    #[arg(long, value_name = "N", default_value_t = 0)]
    workers: usize,
}

/// Findings shown to people; JSON and the page have all.
const SHOWN: usize = 10;

pub(super) fn run(arguments: ValidateArguments, output: &Output) -> anyhow::Result<Outcome> {
    let policy: Policy = match &arguments.policy {
        Some(path) => read_strictly(path, Policy::problems)?,
        None => Policy::default(),
    };
    let parts = open_parts(&arguments.path)?;
    let bar = progress_bar(parts.iter().map(|(_, part)| part.len()).sum());
    let outcome = validate(&parts, &policy, arguments.workers, || bar.inc(1))?;
    bar.finish_and_clear();
    let report = ValidationReport::new(&arguments.path, &outcome, &policy);
    if let Some(path) = &arguments.report {
        let html = report.to_html(&parts);
        let written = write_atomically(path, |out| out.write_all(html.as_bytes()));
        written.with_context(|| format!("cannot write {}", path.display()))?;
        say(format!("wrote {}", path.display()));
    }
    if let Some(path) = &arguments.write_good {
        write_good_list(&outcome, &parts, path)?;
        say(format!("wrote {}", path.display()));
    }
    output.result(&report, || describe(&report, &outcome))?;
    let failures = outcome.failures().count();
    anyhow::ensure!(failures == 0, "the policy refuses the data set for {}", count(failures, "finding"));
    Ok(Outcome::Done)
}

fn progress_bar(samples: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} images {per_sec} {eta}").expect("a valid template");
    ProgressBar::new(samples as u64).with_style(style)
}

fn describe(report: &ValidationReport<'_>, outcome: &ValidationOutcome) -> String {
    let number = |number: usize| format!("{number:>6}");
    let splits: Vec<_> = outcome
        .splits
        .iter()
        .map(|split| {
            let numbers = [split.samples, split.objects, split.kept, split.fixed, split.quarantined].map(number);
            [split.split.to_string()].into_iter().chain(numbers).collect()
        })
        .collect();
    let mut lines = vec![table(&["part", "samples", "objects", "kept", "fixed", "quarantined"], &splits)];
    let checks: Vec<_> = report
        .checks()
        .iter()
        .filter(|check| check.findings > 0)
        .map(|check| {
            let action = check.action.to_string();
            vec![check.check.to_string(), action, number(check.findings), number(check.samples), check.title.to_owned()]
        })
        .collect();
    if checks.is_empty() {
        lines.push("nothing was found".to_owned());
    } else {
        lines.push(String::new());
        lines.push(table(&["check", "policy", "findings", "samples", ""], &checks));
        lines.push(String::new());
    }
    for finding in outcome.findings.iter().take(SHOWN) {
        let place = finding.sample.as_ref().map(|sample| format!("{}: ", sample.source)).unwrap_or_default();
        lines.push(format!("{}: {place}{}", finding.check, finding.message));
    }
    if outcome.findings.len() > SHOWN {
        lines.push(format!("… and {} more; --report and --json have all", outcome.findings.len() - SHOWN));
    }
    lines.join("\n")
}
