//! A file that lists images and their classes, for data that do not lie in class folders.

use std::collections::BTreeSet;
use std::path::Path;

use bytes::Bytes;
use mvl_core::{DataError, Dataset, Fetch, Labels, Location, Record, Sample, SampleKey};

use super::LabelledDataset;
use super::labelled_files::LabelledFiles;
use super::manifest_rows::{RowLabel, Rows};
use crate::decode::decode_record;

/// Images by a manifest: `.csv` with the columns `path` and `label`, or `.jsonl` with an object of them a line.
///
/// Paths are relative to the manifest's folder. Labels are names, numbered in their sorted order, or all numbers, which are
/// class indices. That the images exist is found out when they are read.
///
/// # Example
/// ```no_run
/// use mvl_data::Manifest;
/// let birds = Manifest::open("birds/train.csv")?; // path,label
/// # Ok::<(), mvl_core::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Manifest {
    labels: Labels,
    files: LabelledFiles,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// [`DataError::Io`] when it cannot be read; [`DataError::Format`] with every bad line.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let path = path.as_ref();
        let rows = Rows::read(path)?;
        let names: BTreeSet<&str> = rows.iter().filter_map(|row| name_of(&row.label)).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let index_of = |label: &RowLabel| match label {
            RowLabel::Index(index) => *index,
            RowLabel::Name(name) => {
                names.binary_search(&name.as_str()).expect("the names were collected from all rows")
            }
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        let files: LabelledFiles = rows.iter().map(|row| (folder.join(&row.path), index_of(&row.label))).collect();
        let labels = if names.is_empty() {
            Labels::new((0..files.classes()).map(|class| class.to_string()))
        } else {
            Labels::new(names)
        };
        Ok(Self { labels, files })
    }

    /// The path of an image; `None` past the end.
    #[must_use]
    pub fn path_of(&self, index: usize) -> Option<&Path> {
        self.files.path(index)
    }
}

fn name_of(label: &RowLabel) -> Option<&str> {
    match label {
        RowLabel::Name(name) => Some(name),
        RowLabel::Index(_) => None,
    }
}

impl Dataset<Sample> for Manifest {
    fn len(&self) -> usize {
        self.files.len()
    }

    fn get(&self, key: SampleKey) -> Result<Sample, DataError> {
        decode_record(self.fetch(key.index)?)
    }

    fn location(&self, index: usize) -> Option<Location> {
        self.files.location(index)
    }

    fn record(&self, index: usize, bytes: Bytes) -> Result<Record, DataError> {
        self.files.record(index, bytes)
    }

    fn fetch(&self, index: usize) -> Result<Record, DataError> {
        self.files.fetch(index)
    }

    fn make(&self, _key: SampleKey, record: Record, _fetch: Fetch<'_>) -> Result<Sample, DataError> {
        decode_record(record)
    }
}

impl LabelledDataset for Manifest {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn label_of(&self, index: usize) -> Option<usize> {
        self.files.label(index)
    }
}
