//! The rows of everything that was ingested, taken from the shards themselves.

use std::io::{self, Write};
use std::path::Path;

use bytes::Bytes;
use mvl_core::{DataError, Labels, write_atomically};
use mvl_kernels::map_file;

use super::layout::{MANIFEST_FILE, shard_name};
use super::report::PartReport;
use crate::shards::{JSON_EXTENSION, ShardEntry, ShardIndex, ShardRow, ShardSample, cannot_write, image_range};
use crate::sources::{ManifestHeader, ShardPlace, Split};

/// Writes `manifest.jsonl`: the classes, and for every sample what its shard knows about it with the place of its image. A sample at a
/// time is in memory.
pub(super) fn write_manifest(target: &Path, labels: &Labels, parts: &[PartReport]) -> Result<(), DataError> {
    let path = target.join(MANIFEST_FILE);
    let mut failure = None;
    let written = write_atomically(&path, |out| {
        serde_json::to_writer(&mut *out, &ManifestHeader::new(labels.clone()))?;
        out.write_all(b"\n")?;
        for (split, number) in parts.iter().flat_map(|part| (0..part.shards).map(|number| (part.split, number))) {
            write_rows(target, split, number, out).map_err(|error| {
                failure = Some(error);
                io::Error::other("a shard failed")
            })?;
        }
        Ok(())
    });
    match (failure, written) {
        (Some(error), _) => Err(error),
        (None, written) => written.map_err(|source| cannot_write(&path, source)),
    }
}

/// Writes the rows of a shard.
fn write_rows(target: &Path, split: Split, number: usize, out: &mut dyn Write) -> Result<(), DataError> {
    let name = shard_name(split, number);
    let shard = target.join(&name);
    let damaged = |what: &str| DataError::Format { path: shard.clone(), what: what.to_owned() };
    let index = ShardIndex::read_beside(&shard)?.ok_or_else(|| damaged("the shard has lost its index"))?;
    let bytes = map_file(&shard).map_err(|source| DataError::Io { path: shard.clone(), source })?;
    for entry in &index.entries {
        let row = row_of(entry, &bytes, split, &name);
        let row = row.ok_or_else(|| damaged(&format!("sample {:?} was damaged after it was written", entry.key)))?;
        let line = serde_json::to_string(&row).expect("a row is JSON");
        writeln!(out, "{line}").map_err(|source| cannot_write(&target.join(MANIFEST_FILE), source))?;
    }
    Ok(())
}

/// `None` when the sample is damaged.
fn row_of(entry: &ShardEntry, shard: &Bytes, split: Split, name: &str) -> Option<ShardRow> {
    let (start, end) = (usize::try_from(entry.offset).ok()?, usize::try_from(entry.range().end).ok()?);
    let content = (end <= shard.len()).then(|| shard.slice(start..end))?;
    let sample = ShardSample::parse(&content).ok()?;
    let mut row: ShardRow = serde_json::from_slice(sample.part(JSON_EXTENSION)?).ok()?;
    let image = image_range(&content)?;
    row.row.split = Some(split);
    row.row.shard = Some(ShardPlace {
        file: name.to_owned(),
        offset: entry.offset + image.start as u64,
        length: image.len() as u64,
        crc32c: Some(crc32c::crc32c(&content[image])),
    });
    Some(row)
}
