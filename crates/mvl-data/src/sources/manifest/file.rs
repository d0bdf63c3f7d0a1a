//! What a manifest holds, whichever form its file has.

use std::collections::BTreeSet;
use std::path::Path;

use mvl_core::{DataError, Labels};
use serde::{Deserialize, Serialize};

use super::{ManifestRow, RowClass, parse_csv_manifest, parse_json_lines_manifest};
use crate::decode::read_bounded;
use crate::sources::{Parsed, Problem, Split};

/// The largest manifest that is read.
const MAX_MANIFEST_BYTES: u64 = 1 << 30;

/// The first line of a manifest in JSON Lines, and a note in one in Parquet: what all rows share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestHeader {
    /// The form of the rows: [`Self::VERSION`].
    pub mvl_manifest: u32,
    /// Class names in index order.
    pub classes: Labels,
    /// The names of an object's keypoints, in their order; empty where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keypoints: Vec<String>,
}

impl ManifestHeader {
    /// The version that is written and read.
    pub const VERSION: u32 = 1;

    /// A header with these classes.
    #[must_use]
    pub fn new(classes: Labels) -> Self {
        Self { mvl_manifest: Self::VERSION, classes, keypoints: Vec::new() }
    }
}

/// The rows of a manifest, with its header where it has one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ManifestFile {
    /// What all rows share. Without it the classes are what the rows name.
    pub header: Option<ManifestHeader>,
    /// One for each image.
    pub rows: Vec<ManifestRow>,
}

impl ManifestFile {
    /// Reads a `.csv`, `.jsonl` or (with the feature of that name) `.parquet` file, with its problems.
    ///
    /// # Errors
    /// [`DataError::Io`] when it cannot be read; [`DataError::Format`] when it has another extension or is too large.
    pub fn read(path: &Path) -> Result<Parsed<Self>, DataError> {
        let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        let parse: fn(&[u8]) -> Parsed<Self> = match extension.as_deref() {
            Some("csv") => parse_csv_manifest,
            Some("jsonl") => parse_json_lines_manifest,
            #[cfg(feature = "parquet")]
            Some("parquet") => super::parse_parquet_manifest,
            #[cfg(not(feature = "parquet"))]
            Some("parquet") => {
                let what = "manifests in Parquet need the feature `parquet`, which this build lacks".to_owned();
                return Err(DataError::Format { path: path.to_owned(), what });
            }
            _ => {
                let what = "expected a manifest that ends in .csv, .jsonl or .parquet".to_owned();
                return Err(DataError::Format { path: path.to_owned(), what });
            }
        };
        Ok(parse(&read_bounded(path, MAX_MANIFEST_BYTES)?))
    }

    /// The classes: the header's, or else all names in sorted order, or else the numbers up to the largest.
    #[must_use]
    pub fn labels(&self) -> Labels {
        if let Some(header) = &self.header {
            return header.classes.clone();
        }
        let (mut names, mut numbers) = (BTreeSet::new(), 0);
        for class in self.rows.iter().flat_map(ManifestRow::classes) {
            match class {
                RowClass::Name(name) => drop(names.insert(name)),
                RowClass::Index(index) => numbers = numbers.max(index + 1),
            }
        }
        if names.is_empty() { Labels::new((0..numbers).map(|class| class.to_string())) } else { Labels::new(names) }
    }

    /// What only all rows together can tell, when there is no header to go by.
    pub(super) fn check(mut parsed: Parsed<Self>, place_of: impl Fn(usize) -> String) -> Parsed<Self> {
        if parsed.value.rows.is_empty() && parsed.problems.is_empty() && parsed.value.header.is_none() {
            parsed.problem("", "expected at least one row, got none");
        }
        let Parsed { value, problems } = &mut parsed;
        for (index, row) in value.rows.iter().enumerate() {
            if row.path.trim().is_empty() && row.shard.is_none() {
                problems.push(Problem::new(place_of(index), "expected a path, got none"));
            }
            if row.split == Some(Split::All) {
                problems.push(Problem::new(place_of(index), "expected a split of train, valid or test, got all"));
            }
        }
        if value.header.is_none() {
            let classifies = value.rows.iter().any(|row| row.label.is_some());
            for (index, row) in value.rows.iter().enumerate() {
                if classifies && row.label.is_none() && row.labels.is_empty() {
                    problems.push(Problem::new(place_of(index), "expected a label, got none"));
                }
            }
            let path_with = |kind: fn(&RowClass) -> bool| value.rows.iter().find(|row| row.classes().any(kind));
            let name = path_with(|class| matches!(class, RowClass::Name(_)));
            let index = path_with(|class| matches!(class, RowClass::Index(_)));
            if let (Some(name), Some(index)) = (name, index) {
                let (name, index) = (&name.path, &index.path);
                let what = format!(
                    "expected labels that are all names or all numbers, got a name for {name:?} and a number for {index:?}"
                );
                problems.push(Problem::new("", what));
            }
        }
        parsed
    }
}
