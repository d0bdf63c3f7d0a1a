//! `mvl data ingest`: any data set becomes shards with a manifest.

use std::path::PathBuf;

use clap::Args;
use mvl::data::{
    GroupBy, IngestConfig, IngestReport, IngestSources, OnCorrupt, OnDuplicate, Packing, ShardLimits, Shares, ingest,
};

use super::ingest_progress::ProgressLine;
use super::parts::{open_parts, split_name};
use crate::arguments::Outcome;
use crate::output::{Output, count, say, table};

/// Reads data sets, leaves duplicates out, divides them, and writes shards and a manifest into a new folder.
///
/// The folder opens like any data set (`mvl train --data DST`), and PyPI's webdataset reads its shards. The same sources and settings
/// give the same bytes. A run that was killed is completed by the same command.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mvl data ingest photos/ packed/                            files as they are, 8 to 1 to 1 by class
  mvl data ingest photos/ packed/ --resize 256 --quality 90  shorter side 256, as JPEG
  mvl data ingest scans.csv packed/ --group-by '/(p[0-9]+)_' a patient never straddles parts
DST then holds train/, valid/ and test/ with shards, manifest.jsonl, labels.json, and ingest.json, which lists what was left out.")]
pub(crate) struct IngestArguments {
    /// Data sets, as for `mvl data inspect`; several become one.
    #[arg(required = true, value_name = "SRC")]
    sources: Vec<String>,
    /// A new folder, or one with an unfinished ingestion.
    #[arg(value_name = "DST")]
    target: PathBuf,
    /// Shares for training, validation and test, of sources that are not divided.
    #[arg(long, value_name = "A,B,C", default_value = "0.8,0.1,0.1", value_parser = parse_shares)]
    split: Shares,
    /// Seed of the division.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Divide without regard to classes.
    #[arg(long)]
    unstratified: bool,
    /// Keep images in one part whose paths have the same match of this regular expression, or of its first group. Without it,
    /// the manifest's column `group` says what stays together.
    #[arg(long, value_name = "REGEX")]
    group_by: Option<String>,
    /// Make images smaller, to at most so many pixels on the shorter side.
    #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u32).range(1..=16_384))]
    resize: Option<u32>,
    /// The JPEG quality of images that are made smaller.
    #[arg(long, value_name = "Q", requires = "resize", default_value_t = 90, value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: u8,
    /// Store raw pixels: large, but no decoding.
    #[arg(long, conflicts_with = "quality")]
    raw: bool,
    /// Samples a shard.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    samples_per_shard: u64,
    /// MiB a shard.
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..1 << 40))]
    shard_mib: u64,
    /// What becomes of images that cannot be read.
    #[arg(long, value_name = "fail|skip", default_value = "fail", value_parser = parse_on_corrupt)]
    on_corrupt: OnCorrupt,
    /// What becomes of images that are there already, byte for byte.
    #[arg(long, value_name = "drop|keep|fail", default_value = "drop", value_parser = parse_on_duplicate)]
    on_duplicate: OnDuplicate,
    /// Threads; 0 means one a core.
    #[arg(long, value_name = "N", default_value_t = 0)]
    workers: usize,
}

/// Duplicates and skipped images shown to people; `ingest.json` has all.
const SHOWN: usize = 5;

impl IngestArguments {
    fn config(&self) -> IngestConfig {
        let packing = match (self.raw, self.resize) {
            (true, short_side) => Packing::Raw { short_side },
            (false, Some(short_side)) => Packing::Jpeg { short_side, quality: self.quality },
            (false, None) => Packing::Original,
        };
        IngestConfig {
            shares: self.split,
            seed: self.seed,
            stratified: !self.unstratified,
            group_by: self.group_by.clone().map_or(GroupBy::Column, GroupBy::Path),
            on_duplicate: self.on_duplicate,
            on_corrupt: self.on_corrupt,
            packing,
            limits: ShardLimits {
                samples: usize::try_from(self.samples_per_shard).unwrap_or(usize::MAX),
                bytes: self.shard_mib << 20,
            },
            workers: self.workers,
            ..IngestConfig::default()
        }
    }
}

pub(super) fn run(arguments: IngestArguments, output: &Output) -> anyhow::Result<Outcome> {
    let config = arguments.config();
    let mut sources = Vec::new();
    for path in &arguments.sources {
        sources.extend(open_parts(path)?.into_iter().map(|(split, part)| (path.clone(), split, part)));
    }
    let mut line = ProgressLine::new();
    let report = ingest(IngestSources::new(sources), &arguments.target, &config, &mut |progress| line.show(progress))?;
    line.finish();
    for skipped in report.skipped.iter().take(SHOWN) {
        say(format!("skipped: {}", skipped.reason));
    }
    output.result(&report, || describe(&report, &arguments))?;
    Ok(Outcome::Done)
}

fn describe(report: &IngestReport, arguments: &IngestArguments) -> String {
    let number = |number: u64| format!("{number:>8}");
    let parts: Vec<_> = report
        .parts
        .iter()
        .map(|part| {
            let numbers = [part.samples as u64, part.shards as u64, part.bytes >> 20].map(number);
            [split_name(part.split).to_owned()].into_iter().chain(numbers).collect()
        })
        .collect();
    let mut lines = vec![table(&["part", " samples", "  shards", "     MiB"], &parts)];
    let left_out = [(report.duplicates.len(), "duplicate"), (report.skipped.len(), "unreadable image")];
    for (number, what) in left_out.into_iter().filter(|(number, _)| *number > 0) {
        lines.push(format!(
            "left out {}; {} lists all",
            count(number, what),
            arguments.target.join("ingest.json").display()
        ));
    }
    for twin in report.duplicates.iter().take(SHOWN) {
        let class = if twin.same_class { "" } else { ", under another class" };
        lines.push(format!("  {} is {}{class}", twin.source, twin.kept));
    }
    lines.join("\n")
}

fn parse_shares(text: &str) -> Result<Shares, String> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|share| share.trim().parse()).collect();
    match numbers.as_deref() {
        Ok(&[train, valid, test]) => Ok(Shares { train, valid, test }),
        _ => Err(format!("expected three numbers such as 0.8,0.1,0.1, got {text:?}")),
    }
}

fn parse_on_corrupt(text: &str) -> Result<OnCorrupt, String> {
    match text {
        "fail" => Ok(OnCorrupt::Fail),
        "skip" => Ok(OnCorrupt::Skip),
        other => Err(format!("expected fail or skip, got {other:?}")),
    }
}

fn parse_on_duplicate(text: &str) -> Result<OnDuplicate, String> {
    match text {
        "drop" => Ok(OnDuplicate::Drop),
        "keep" => Ok(OnDuplicate::Keep),
        "fail" => Ok(OnDuplicate::Fail),
        other => Err(format!("expected drop, keep or fail, got {other:?}")),
    }
}
