//! The first time through the sources: what each item's content is, and what decides on its part.

use std::sync::Arc;

use mvl_core::{ByteSize, DataError, Dataset, Record, SampleKey};
use regex::Regex;
use sha2::{Digest, Sha256};

use super::config::GroupBy;
use super::sources::IngestSources;
use crate::shards::encode_npy;

/// Identifies the content of an image.
pub(super) type Hash = [u8; 32];

/// What is known about an item after the first reading.
#[derive(Debug)]
pub(super) struct Surveyed {
    pub(super) hash: Hash,
    pub(super) class: Option<usize>,
    pub(super) group: Option<String>,
    /// Where it came from.
    pub(super) source: Arc<str>,
}

impl ByteSize for Surveyed {
    fn byte_size(&self) -> usize {
        size_of::<Self>() + self.source.len() + self.group.as_ref().map_or(0, String::len)
    }
}

/// Reads items as what is known about them.
pub(super) struct Survey {
    sources: Arc<IngestSources>,
    grouping: Grouping,
}

/// [`GroupBy`], ready to be asked.
enum Grouping {
    Column,
    Path(Regex),
}

impl Survey {
    /// # Errors
    /// [`DataError::Invalid`] when the expression is none.
    pub(super) fn new(sources: Arc<IngestSources>, group_by: &GroupBy) -> Result<Self, DataError> {
        let grouping = match group_by {
            GroupBy::Column => Grouping::Column,
            GroupBy::Path(pattern) => {
                Grouping::Path(Regex::new(pattern).map_err(|error| DataError::invalid(error.to_string()))?)
            }
        };
        Ok(Self { sources, grouping })
    }
}

impl Dataset<Surveyed> for Survey {
    fn len(&self) -> usize {
        self.sources.len()
    }

    fn get(&self, key: SampleKey) -> Result<Surveyed, DataError> {
        let record = self.sources.read(key.index)?;
        let (source, annotations) = match &record {
            Record::Encoded(encoded) => (encoded.source.clone(), &encoded.annotations),
            Record::Decoded(sample) => (sample.source.clone(), &sample.annotations),
            _ => return Err(DataError::invalid("expected a record with an image in it, got nothing")),
        };
        let group = match &self.grouping {
            Grouping::Column => self.sources.group_of(key.index).map(str::to_owned),
            Grouping::Path(pattern) => group_of(pattern, &source),
        };
        Ok(Surveyed { hash: hash_of(&record), class: annotations.label, group, source })
    }
}

/// SHA-256 of a file, or of decoded pixels as an NPY file.
pub(super) fn hash_of(record: &Record) -> Hash {
    match record {
        Record::Encoded(encoded) => Sha256::digest(&encoded.bytes).into(),
        Record::Decoded(sample) => Sha256::digest(encode_npy(&sample.image)).into(),
        _ => Hash::default(),
    }
}

/// A hash as text.
pub(super) fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first capture of a match, or all of it.
fn group_of(pattern: &Regex, path: &str) -> Option<String> {
    let found = pattern.captures(path)?;
    found.get(1).or_else(|| found.get(0)).map(|group| group.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_its_group() {
        let group = |pattern: &str| group_of(&Regex::new(pattern).expect("an expression"), "scans/p17_left.png");
        assert_eq!(group("/(p[0-9]+)_"), Some("p17".to_owned()));
        assert_eq!(group("p[0-9]+"), Some("p17".to_owned()));
        assert_eq!(group("q"), None);
    }
}
