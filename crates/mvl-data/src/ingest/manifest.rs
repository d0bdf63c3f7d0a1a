//! The rows of everything that was ingested, taken from the shards themselves.

use std::io::{self, Write};
use std::path::Path;

use mvl_core::{DataError, write_atomically};
use mvl_kernels::map_file;
use serde_json::{Map, Value};

use super::layout::{MANIFEST_FILE, cannot_write, part_name, shard_path};
use super::report::PartReport;
use crate::shards::{ShardIndex, ShardSample};

/// Writes `manifest.jsonl`: for every sample its annotations, as in its shard, and where it lies. A sample at a time is in memory.
pub(super) fn write_manifest(target: &Path, parts: &[PartReport]) -> Result<(), DataError> {
    let path = target.join(MANIFEST_FILE);
    let mut failure = None;
    let written = write_atomically(&path, |out| {
        parts.iter().try_for_each(|part| write_rows(target, part, out)).map_err(|error| {
            failure = Some(error);
            io::Error::other("a shard failed")
        })
    });
    match (failure, written) {
        (Some(error), _) => Err(error),
        (None, written) => written.map_err(|source| cannot_write(&path, source)),
    }
}

fn write_rows(target: &Path, part: &PartReport, out: &mut dyn Write) -> Result<(), DataError> {
    for number in 0..part.shards {
        let shard = shard_path(target, part.split, number);
        let damaged = |what: &str| DataError::Format { path: shard.clone(), what: what.to_owned() };
        let index = ShardIndex::read_beside(&shard)?.ok_or_else(|| damaged("the shard has lost its index"))?;
        let bytes = map_file(&shard).map_err(|source| DataError::Io { path: shard.clone(), source })?;
        for entry in &index.entries {
            let range = entry.offset as usize..entry.range().end as usize;
            if range.end > bytes.len() {
                return Err(damaged("the shard is shorter than its index says"));
            }
            let sample = ShardSample::parse(&bytes.slice(range)).map_err(|error| damaged(&error.to_string()))?;
            let row = sample.part("json").and_then(|text| serde_json::from_slice::<Map<String, Value>>(text).ok());
            let mut row = row.ok_or_else(|| damaged("a sample has lost its annotations"))?;
            row.insert("split".to_owned(), part_name(part.split).into());
            row.insert("shard".to_owned(), format!("{}/shard-{number:06}.tar", part_name(part.split)).into());
            row.insert("key".to_owned(), sample.key.into());
            let line = serde_json::to_string(&row).expect("a row is JSON");
            writeln!(out, "{line}").map_err(|source| cannot_write(&target.join(MANIFEST_FILE), source))?;
        }
    }
    Ok(())
}
