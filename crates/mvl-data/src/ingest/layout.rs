//! Where everything lies in the folder that an ingestion makes.
//!
//! ```text
//! manifest.jsonl          a row a sample, and a data set of its own; written last, so a folder that has it is whole
//! labels.json             class names
//! ingest.json             what was read, written and left out
//! train/shard-000000.tar  and its index, shard-000000.idx
//! valid/, test/           the same
//! ```

use std::path::{Path, PathBuf};

use crate::sources::Split;

/// The rows of all samples.
pub(crate) const MANIFEST_FILE: &str = "manifest.jsonl";
/// Class names as a JSON list.
pub(crate) const LABELS_FILE: &str = "labels.json";
/// What an ingestion came to.
pub(super) const REPORT_FILE: &str = "ingest.json";

/// What the folder of a part is called.
pub(super) fn part_name(part: Split) -> &'static str {
    match part {
        Split::Valid => "valid",
        Split::Test => "test",
        Split::Train | Split::All => "train",
    }
}

pub(super) fn part_folder(target: &Path, part: Split) -> PathBuf {
    target.join(part_name(part))
}

/// A shard's path within the target, with `/` between folders.
pub(super) fn shard_name(part: Split, number: usize) -> String {
    format!("{}/shard-{number:06}.tar", part_name(part))
}

pub(super) fn shard_path(target: &Path, part: Split, number: usize) -> PathBuf {
    target.join(shard_name(part, number))
}
