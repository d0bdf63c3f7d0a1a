//! The good samples as a manifest, which every verb reads: one JSON object a line.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use mvl_core::{Annotations, DataError, Record, SampleKey, write_atomically};
use serde::Serialize;

use super::fix::Fix;
use super::outcome::ValidationOutcome;
use super::run::Part;
use crate::sources::{LabelledDataset, ManifestHeader, ManifestRow, ShardPlace, Split};

/// One line: a manifest's row, and what is for whoever writes the file anew.
#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    row: ManifestRow,
    /// What the file should be called.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// What is still to be done to the file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Fix>,
}

/// Writes the good samples of all parts into a `.jsonl` manifest, whole or not at all.
///
/// Boxes, masks and keypoints are written mended. What would change an image file is only told: `name` is what it should be
/// called, `fixes` lists what is to be done to it. Paths are relative to the list where the files lie below it.
///
/// # Errors
/// [`DataError::Other`] when the file cannot be written, or a sample that was good cannot be read any more.
pub fn write_good_list(outcome: &ValidationOutcome, parts: &[Part], path: &Path) -> Result<(), DataError> {
    let folder = std::path::absolute(path).ok().and_then(|path| path.parent().map(Path::to_owned)).unwrap_or_default();
    let write = |out: &mut dyn Write| -> io::Result<()> {
        if let Some((_, dataset)) = parts.first() {
            serde_json::to_writer(&mut *out, &ManifestHeader::new(dataset.labels().clone()))?;
            out.write_all(b"\n")?;
        }
        for (split, dataset) in parts {
            for (index, fixes) in outcome.good(*split) {
                let line = line(&**dataset, *split, index, fixes, &folder).map_err(io::Error::other)?;
                serde_json::to_writer(&mut *out, &line)?;
                out.write_all(b"\n")?;
            }
        }
        Ok(())
    };
    write_atomically(path, write).map_err(|source| DataError::Other {
        what: format!("cannot write {}", path.display()),
        source: Box::new(source),
    })
}

fn line(
    dataset: &dyn LabelledDataset,
    split: Split,
    index: usize,
    fixes: &[Fix],
    folder: &Path,
) -> Result<Line, DataError> {
    let (of_file, of_annotations): (Vec<Fix>, Vec<Fix>) = fixes.iter().cloned().partition(Fix::changes_the_file);
    let (annotations, source) = mended_annotations(dataset, index, &of_annotations)?;
    let mut row = ManifestRow::new(&annotations, dataset.labels(), None);
    row.split = Some(split).filter(|&split| split != Split::All);
    match dataset.location(index) {
        None => row.path = source,
        Some(location) => {
            let file = if location.is_url() { location.object.to_string() } else { relative(&location.object, folder) };
            match location.range {
                None => row.path = file,
                Some(range) => {
                    let length = range.end.saturating_sub(range.start);
                    row.shard = Some(ShardPlace { file, offset: range.start, length, crc32c: location.crc32c });
                }
            }
        }
    }
    let name = of_file.iter().find_map(|fix| match fix {
        Fix::Rename { extension } => {
            Some(Path::new(&row.path).with_extension(extension).file_name()?.to_string_lossy().into_owned())
        }
        _ => None,
    });
    Ok(Line { row, name, fixes: of_file })
}

/// A sample's annotations and the name of its image. The pixels are decoded only where mending needs their size.
fn mended_annotations(
    dataset: &dyn LabelledDataset,
    index: usize,
    fixes: &[Fix],
) -> Result<(Annotations, String), DataError> {
    if fixes.is_empty() {
        match dataset.fetch(index)? {
            Record::Encoded(sample) => return Ok((sample.annotations.clone(), sample.source.to_string())),
            Record::Decoded(sample) => return Ok((sample.annotations.clone(), sample.source.to_string())),
            _ => {}
        }
    }
    let sample = dataset.get(SampleKey::plain(index))?;
    let sample = fixes.iter().fold(sample, |sample, fix| fix.apply(sample));
    Ok((sample.annotations, sample.source.to_string()))
}

/// The path from the list's folder where it lies below it, otherwise from the root.
fn relative(path: &str, folder: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path));
    absolute.strip_prefix(folder).unwrap_or(&absolute).to_string_lossy().into_owned()
}
