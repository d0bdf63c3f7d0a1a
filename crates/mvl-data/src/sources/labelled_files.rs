//! Image files with a class each, read when they are asked for: what folders and manifests come to.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use mvl_core::{Annotations, DataError, EncodedSample, Location, Record};

use super::past_the_end;
use crate::decode::{MAX_FILE_BYTES, read_bounded};

/// Paths with class indices.
#[derive(Debug, Clone, Default)]
pub(super) struct LabelledFiles(Box<[(PathBuf, usize)]>);

impl LabelledFiles {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn path(&self, index: usize) -> Option<&Path> {
        self.0.get(index).map(|(path, _)| path.as_path())
    }

    pub(super) fn label(&self, index: usize) -> Option<usize> {
        self.0.get(index).map(|&(_, label)| label)
    }

    /// The largest class index and one, 0 without files.
    pub(super) fn classes(&self) -> usize {
        self.0.iter().map(|&(_, label)| label + 1).max().unwrap_or(0)
    }

    /// `None` for a path that is not UTF-8 too.
    pub(super) fn location(&self, index: usize) -> Option<Location> {
        self.path(index)?.to_str().map(Location::whole)
    }

    /// An image file with its class.
    pub(super) fn record(&self, index: usize, bytes: Bytes) -> Result<Record, DataError> {
        let (path, label) = self.0.get(index).ok_or_else(|| past_the_end(index, self.len()))?;
        let annotations = Annotations::labelled(*label);
        Ok(Record::encoded(EncodedSample { bytes, annotations, source: path.to_string_lossy().into() }))
    }

    pub(super) fn fetch(&self, index: usize) -> Result<Record, DataError> {
        let path = self.path(index).ok_or_else(|| past_the_end(index, self.len()))?;
        self.record(index, read_bounded(path, MAX_FILE_BYTES)?.into())
    }
}

impl FromIterator<(PathBuf, usize)> for LabelledFiles {
    fn from_iter<T: IntoIterator<Item = (PathBuf, usize)>>(files: T) -> Self {
        Self(files.into_iter().collect())
    }
}
