//! The good samples as a manifest: one JSON object a line.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use mvl_core::{DataError, write_atomically};
use serde::Serialize;

use super::fix::Fix;
use super::outcome::ValidationOutcome;
use super::run::Part;
use crate::sources::{LabelledDataset, Split};

/// One line. `path` and `label` are what [`Manifest`](crate::Manifest) reads; the rest is for whoever writes the samples anew.
#[derive(Serialize)]
struct Line<'a> {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    split: Split,
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "<[Fix]>::is_empty")]
    fixes: &'a [Fix],
}

/// Writes the good samples of all parts into a `.jsonl` file, whole or not at all.
///
/// A line has `path` (relative to the list where the file lies beside or below it), `label` where there is one, `split`,
/// `index`, `name` where the file should be called otherwise, and `fixes` where something is to be mended.
///
/// # Errors
/// [`DataError::Other`] with the system's reason when the file cannot be written.
pub fn write_good_list(outcome: &ValidationOutcome, parts: &[Part], path: &Path) -> Result<(), DataError> {
    let folder = std::path::absolute(path).ok().and_then(|path| path.parent().map(Path::to_owned)).unwrap_or_default();
    let write = |out: &mut dyn Write| -> io::Result<()> {
        for (split, dataset) in parts {
            for (index, fixes) in outcome.good(*split) {
                serde_json::to_writer(&mut *out, &line(&**dataset, *split, index, fixes, &folder))?;
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

fn line<'a>(dataset: &'a dyn LabelledDataset, split: Split, index: usize, fixes: &'a [Fix], folder: &Path) -> Line<'a> {
    let location = dataset.location(index);
    let path = match &location {
        Some(location) if !location.is_url() => relative(&location.object, folder),
        Some(location) => location.object.to_string(),
        None => format!("sample {index}"),
    };
    let name = fixes.iter().find_map(|fix| match fix {
        Fix::Rename { extension } => {
            Some(PathBuf::from(&path).with_extension(extension).file_name()?.to_string_lossy().into_owned())
        }
        _ => None,
    });
    let label = dataset.label_of(index).and_then(|label| dataset.labels().name(label));
    Line { path, label, split, index, name, fixes }
}

/// The path from the list's folder where it lies below it, otherwise from the root.
fn relative(path: &str, folder: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path));
    absolute.strip_prefix(folder).unwrap_or(&absolute).to_string_lossy().into_owned()
}
