//! An ingestion from beginning to end.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use mvl_core::{ByteSize, DataError, DataLoadStrategy, Dataset, EpochPlan, ItemIter, Order, write_atomically};
use sha2::{Digest, Sha256};

use super::config::IngestConfig;
use super::journal::{FinishedShard, JOURNAL_FOLDER, Journal};
use super::layout::{LABELS_FILE, MANIFEST_FILE, REPORT_FILE, shard_path};
use super::manifest::write_manifest;
use super::packing::{Packed, PackedItems};
use super::plan::{PARTS, Plan, Planned};
use super::report::{IngestReport, PartReport, REPORT_VERSION, Skipped, SourceReport};
use super::sources::IngestSources;
use super::survey::{Survey, hex};
use crate::decode::read_bounded;
use crate::loader::OnCorrupt;
use crate::shards::{cannot_write, write_shard};
use crate::sources::Split;
use crate::strategies::Parallel;

/// The longest report that is read.
const MAX_REPORT_BYTES: u64 = 1 << 30;

/// How far an ingestion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IngestProgress {
    /// What is being done.
    pub step: IngestStep,
    /// Images done.
    pub done: usize,
    /// Images in all.
    pub total: usize,
}

/// What an ingestion does, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum IngestStep {
    /// Images are read and hashed.
    Reading,
    /// Shards are written.
    Writing,
}

/// Reads data sets, leaves duplicates out, divides what is not divided, and writes shards with a manifest into a new folder, which
/// [`open_dataset`](crate::open_dataset) opens.
///
/// The result is a function of sources and settings, whatever the number of workers. A call that was killed is completed by the next
/// one with the same sources and settings, to the same bytes; a folder that is whole is left alone. What is in memory grows
/// with the number of images by about a hundred bytes each, and never with their size.
///
/// # Errors
/// [`DataError::Invalid`] when a setting is wrong or the sources are empty; [`DataError::Format`] when the folder holds something
/// else; what is wrong with an image, unless such are skipped.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use mvl_core::Dataset;
/// use mvl_data::{IngestConfig, IngestSources, Split, fashion_mnist_part, ingest, open_dataset};
/// let folder = tempfile::tempdir()?;
/// let clothes = Arc::new(fashion_mnist_part(Split::Test)?);
/// let sources = IngestSources::new(vec![("clothes".to_owned(), Split::All, clothes)]);
/// let report = ingest(sources, folder.path(), &IngestConfig::default(), &mut |_| {})?;
/// assert_eq!(report.parts[0].samples, 1_600);
/// assert_eq!(open_dataset(folder.path(), Split::Valid)?.len(), 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn ingest(
    sources: IngestSources,
    target: &Path,
    config: &IngestConfig,
    progress: &mut dyn FnMut(IngestProgress),
) -> Result<IngestReport, DataError> {
    config.check()?;
    if sources.is_empty() {
        return Err(DataError::invalid("expected at least one image to ingest, got none"));
    }
    let fingerprint = fingerprint(&sources, config);
    if let Some(report) = whole(target)? {
        return if report.fingerprint == fingerprint {
            Ok(report)
        } else {
            Err(other_settings(target, "holds a data set"))
        };
    }
    let journal = Journal::open(target)?;
    let sources = Arc::new(sources);
    let plan = match journal.plan()? {
        Some(plan) if plan.fingerprint == fingerprint => plan,
        Some(_) => return Err(other_settings(target, "holds an unfinished ingestion")),
        None => {
            let plan = survey(&sources, fingerprint, config, progress)?;
            journal.keep_plan(&plan)?;
            plan
        }
    };
    let mut run =
        Run { sources, target, config, journal, progress, done: 0, total: plan.parts.iter().map(Vec::len).sum() };
    let (mut parts, mut skipped) = (Vec::new(), plan.skipped);
    for (split, items) in PARTS.into_iter().zip(plan.parts) {
        let part = run.pack(split, items.into())?;
        parts.push(part.report);
        skipped.extend(part.skipped);
    }
    skipped.sort_by_key(|skipped| skipped.index);
    let report = IngestReport {
        version: REPORT_VERSION,
        fingerprint: plan.fingerprint,
        sources: source_reports(&run.sources),
        config: config.clone(),
        classes: run.sources.labels().len(),
        parts,
        duplicates: plan.duplicates,
        skipped,
    };
    run.conclude(&report)?;
    Ok(report)
}

/// Goes through all items once.
fn survey(
    sources: &Arc<IngestSources>,
    fingerprint: String,
    config: &IngestConfig,
    progress: &mut dyn FnMut(IngestProgress),
) -> Result<Plan, DataError> {
    let survey = Survey::new(sources.clone(), &config.group_by)?;
    let total = sources.len();
    let (mut good, mut skipped) = (Vec::new(), Vec::new());
    for (index, item) in load(config, survey, total, 0)?.enumerate() {
        match item {
            Ok(item) => good.push((index, item)),
            Err(error) if config.on_corrupt == OnCorrupt::Skip => {
                skipped.push(Skipped { index, reason: error.full_message() });
            }
            Err(error) => return Err(error),
        }
        progress(IngestProgress { step: IngestStep::Reading, done: index + 1, total });
    }
    Plan::new(fingerprint, sources, good, skipped, config)
}

/// Items in order, made by several threads ahead of time.
fn load<I: ByteSize + Send + 'static>(
    config: &IngestConfig,
    dataset: impl Dataset<I> + 'static,
    len: usize,
    start: usize,
) -> Result<ItemIter<I>, DataError> {
    let strategy = Parallel::new(config.workers).with_queue_bytes(config.queue_bytes);
    strategy.load(Arc::new(dataset), EpochPlan::new(len, Order::Sequential).starting_at(start))
}

/// The second half of an ingestion.
struct Run<'a> {
    sources: Arc<IngestSources>,
    target: &'a Path,
    config: &'a IngestConfig,
    journal: Journal,
    progress: &'a mut dyn FnMut(IngestProgress),
    done: usize,
    total: usize,
}

impl Run<'_> {
    /// Writes the shards of a part that are not there yet.
    fn pack(&mut self, split: Split, items: Arc<[Planned]>) -> Result<FinishedPart, DataError> {
        let mut part = FinishedPart::new(split);
        while part.items < items.len()
            && let Some(shard) = self.journal.finished(self.target, split, part.report.shards)?
        {
            self.advance(shard.items);
            part.add(shard);
        }
        let packed = PackedItems { sources: self.sources.clone(), items: items.clone(), packing: self.config.packing };
        let mut waiting = load(self.config, packed, items.len(), part.items)?;
        while part.items < items.len() {
            let shard = self.write(split, part.report.shards, &items[part.items..], &mut waiting)?;
            self.journal.finish(split, part.report.shards, &shard)?;
            part.add(shard);
        }
        Ok(part)
    }

    /// Writes one shard of the first of these items, which `waiting` makes.
    fn write(
        &mut self,
        split: Split,
        number: usize,
        items: &[Planned],
        waiting: &mut ItemIter<Packed>,
    ) -> Result<FinishedShard, DataError> {
        let (path, config) = (shard_path(self.target, split, number), self.config);
        let mut planned = items.iter();
        let mut skipped = Vec::new();
        let mut samples = std::iter::from_fn(|| {
            loop {
                let (item, packed) = (planned.next()?, waiting.next()?);
                self.advance(1);
                match packed {
                    Err(error) if config.on_corrupt == OnCorrupt::Skip => {
                        skipped.push(Skipped { index: item.index, reason: error.full_message() });
                    }
                    packed => return Some(packed.map(|Packed(sample)| sample)),
                }
            }
        });
        let index = write_shard(&path, &mut samples, config.limits)?;
        let (samples, bytes) = index.map_or((0, 0), |index| (index.entries.len(), index.shard_len));
        Ok(FinishedShard { items: items.len() - planned.len(), samples, bytes, skipped })
    }

    fn advance(&mut self, items: usize) {
        self.done += items;
        (self.progress)(IngestProgress { step: IngestStep::Writing, done: self.done, total: self.total });
    }

    /// Writes what makes the folder whole, the manifest last.
    fn conclude(self, report: &IngestReport) -> Result<(), DataError> {
        let write = |name: &str, text: Vec<u8>| {
            let path = self.target.join(name);
            write_atomically(&path, |out| out.write_all(&text)).map_err(|source| cannot_write(&path, source))
        };
        write(LABELS_FILE, serde_json::to_vec(self.sources.labels()).expect("names are JSON"))?;
        write(REPORT_FILE, serde_json::to_vec_pretty(report).expect("a report is JSON"))?;
        write_manifest(self.target, self.sources.labels(), &report.parts)?;
        self.journal.close()
    }
}

/// A part as far as it is written.
struct FinishedPart {
    /// Items taken, those that were skipped among them.
    items: usize,
    report: PartReport,
    skipped: Vec<Skipped>,
}

impl FinishedPart {
    fn new(split: Split) -> Self {
        Self { items: 0, report: PartReport { split, samples: 0, shards: 0, bytes: 0 }, skipped: Vec::new() }
    }

    fn add(&mut self, shard: FinishedShard) {
        self.items += shard.items;
        self.report.samples += shard.samples;
        self.report.shards += usize::from(shard.samples > 0); // only the last has none: all that was left was skipped
        self.report.bytes += shard.bytes;
        self.skipped.extend(shard.skipped);
    }
}

/// The report of a folder that is whole; `None` when it is not.
fn whole(target: &Path) -> Result<Option<IngestReport>, DataError> {
    if !target.join(MANIFEST_FILE).is_file() {
        return Ok(None);
    }
    let path = target.join(REPORT_FILE);
    let text = match read_bounded(&path, MAX_REPORT_BYTES) {
        Err(DataError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => return Ok(None), // not ours
        text => text?,
    };
    let report = serde_json::from_slice(&text);
    let report = report.map_err(|error| DataError::Format { path, what: format!("the report is damaged: {error}") })?;
    if target.join(JOURNAL_FOLDER).is_dir() {
        Journal::open(target)?.close()?; // a kill came after the manifest
    }
    Ok(Some(report))
}

fn other_settings(target: &Path, holds: &str) -> DataError {
    let what = format!("the folder {holds} of other sources or settings; use another folder, or remove it");
    DataError::Format { path: target.to_owned(), what }
}

fn source_reports(sources: &IngestSources) -> Vec<SourceReport> {
    let report = |(name, split, samples): (&str, Split, usize)| SourceReport { name: name.to_owned(), split, samples };
    sources.parts().map(report).collect()
}

/// Identifies what decides on the result.
fn fingerprint(sources: &IngestSources, config: &IngestConfig) -> String {
    let config = IngestConfig { on_corrupt: OnCorrupt::Fail, ..config.clone() };
    let identity = (REPORT_VERSION, source_reports(sources), sources.labels(), config);
    let text = serde_json::to_vec(&identity).expect("plain values are JSON");
    hex(&Sha256::digest(text).into())
}
