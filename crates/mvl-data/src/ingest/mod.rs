//! Ingestion: any data set that can be opened becomes shards with a manifest, divided, without duplicates, at most once each.

mod config;
mod division;
mod journal;
mod layout;
mod manifest;
mod packing;
mod plan;
mod report;
mod run;
mod sources;
mod survey;

pub use config::{GroupBy, IngestConfig, OnDuplicate, Packing, Shares};
pub use report::{Duplicate, IngestReport, PartReport, Skipped, SourceReport};
pub use run::{IngestProgress, IngestStep, ingest};
pub use sources::IngestSources;

pub(crate) use journal::JOURNAL_FOLDER;
pub(crate) use layout::{LABELS_FILE, MANIFEST_FILE};
