//! Image files with a class each, read when they are asked for: what folders and manifests come to.

use std::path::{Path, PathBuf};

use mvl_core::{DataError, Sample};

use super::past_the_end;
use crate::decode::decode_file;

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

    /// Reads and decodes.
    pub(super) fn load(&self, index: usize) -> Result<Sample, DataError> {
        let (path, label) = self.0.get(index).ok_or_else(|| past_the_end(index, self.len()))?;
        Ok(Sample::new(decode_file(path)?, path.to_string_lossy()).with_label(*label))
    }
}

impl FromIterator<(PathBuf, usize)> for LabelledFiles {
    fn from_iter<T: IntoIterator<Item = (PathBuf, usize)>>(files: T) -> Self {
        Self(files.into_iter().collect())
    }
}
