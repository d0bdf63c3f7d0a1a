//! What is uploaded: bytes in memory, or a file that is read part by part.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use mvl_core::DataError;

use crate::Failure;
use crate::digest::{Digest, Hasher};
use crate::failure::Cause;
use crate::runtime::blocking;

/// Content up to this goes in one request; larger content in parts of this size, or more where there would be too many.
pub(crate) const PART_BYTES: u64 = 16 << 20;
/// What S3 and Google's storage take at most.
const MAX_PARTS: u64 = 10_000;

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    Memory(Bytes),
    File(Arc<HashedFile>),
}

/// A file as it was when it was hashed.
#[derive(Debug)]
pub(crate) struct HashedFile {
    path: PathBuf,
    pub(crate) digest: Digest,
    bytes: u64,
    /// Of each part: what is sent must be what was hashed.
    checksums: Vec<u32>,
}

impl Content {
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(file) => file.bytes,
        }
    }

    pub(crate) fn parts(&self) -> u64 {
        self.bytes().div_ceil(part_bytes(self.bytes()))
    }

    /// The bytes of a part, from 0.
    pub(crate) fn range(&self, part: u64) -> Range<u64> {
        let size = part_bytes(self.bytes());
        part * size..((part + 1) * size).min(self.bytes())
    }

    /// A part; those of files are read, and must be as they were.
    pub(crate) async fn part(&self, part: u64) -> Result<Bytes, Failure> {
        let range = self.range(part);
        match self {
            Self::Memory(bytes) => Ok(bytes.slice(range.start as usize..range.end as usize)),
            Self::File(file) => {
                let file = file.clone();
                let read = blocking(move || Ok(file.read(part, range))).await;
                read.unwrap_or_else(|error| Err(Failure::new(Cause::Permanent, error.to_string())))
            }
        }
    }
}

impl HashedFile {
    /// Reads all of a file.
    ///
    /// # Errors
    /// [`DataError::Io`] when it cannot be read.
    pub(crate) fn read_all(path: &Path) -> Result<Self, DataError> {
        let read = || -> io::Result<Self> {
            let mut file = File::open(path)?;
            let expected = file.metadata()?.len();
            let (size, mut hasher, mut checksums) = (part_bytes(expected), Hasher::default(), Vec::new());
            let (mut bytes, mut buffer) = (0, vec![0; expected.clamp(1, 1 << 20) as usize]);
            loop {
                // Not across the border of a part.
                let room = (size - bytes % size).min(buffer.len() as u64) as usize;
                let read = match file.read(&mut buffer[..room]) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    read => read?,
                };
                if read == 0 {
                    break;
                }
                hasher.update(&buffer[..read]);
                if bytes % size == 0 {
                    checksums.push(0);
                }
                if let Some(checksum) = checksums.last_mut() {
                    *checksum = crc32c::crc32c_append(*checksum, &buffer[..read]);
                }
                bytes += read as u64;
            }
            if bytes != expected {
                return Err(io::Error::other(format!("expected {expected} bytes, got {bytes}: somebody writes to it")));
            }
            Ok(Self { path: path.to_owned(), digest: hasher.finish(), bytes, checksums })
        };
        read().map_err(|source| DataError::Io { path: path.to_owned(), source })
    }

    fn read(&self, part: u64, range: Range<u64>) -> Result<Bytes, Failure> {
        let read = || -> io::Result<Vec<u8>> {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(range.start))?;
            let mut bytes = vec![0; (range.end - range.start) as usize];
            file.read_exact(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().map_err(|error| self.failure(&error.to_string()))?;
        if self.checksums.get(part as usize).is_some_and(|&expected| expected != crc32c::crc32c(&bytes)) {
            return Err(self.failure("it changed while it was uploaded; try again once nobody writes to it"));
        }
        Ok(bytes.into())
    }

    fn failure(&self, what: &str) -> Failure {
        Failure::new(Cause::Permanent, format!("cannot read {}: {what}", self.path.display()))
    }
}

/// How large the parts of content of this size are.
pub(crate) fn part_bytes(bytes: u64) -> u64 {
    bytes.div_ceil(MAX_PARTS).next_multiple_of(1 << 20).max(PART_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait_for;

    #[test]
    fn parts_are_few_enough_for_every_store() {
        assert_eq!(part_bytes(0), PART_BYTES);
        assert_eq!(part_bytes(160_000 << 20), PART_BYTES);
        for bytes in [160_001 << 20, 5 << 40] {
            assert!(part_bytes(bytes) > PART_BYTES && bytes.div_ceil(part_bytes(bytes)) <= MAX_PARTS);
        }
    }

    #[test]
    fn a_file_that_changes_is_not_sent() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("file");
        let mut bytes = vec![1; PART_BYTES as usize + 5];
        std::fs::write(&path, &bytes).expect("writable");
        let content = Content::File(Arc::new(HashedFile::read_all(&path).expect("readable")));
        assert_eq!((content.parts(), content.range(1)), (2, PART_BYTES..PART_BYTES + 5));
        let part = |content: &Content, part| {
            let content = content.clone();
            wait_for(async move { content.part(part).await }).expect("it ran")
        };
        assert_eq!(part(&content, 1).expect("unchanged"), [1; 5][..]);
        bytes[PART_BYTES as usize] = 2;
        std::fs::write(&path, &bytes).expect("writable");
        assert!(part(&content, 0).is_ok());
        let failure = part(&content, 1).expect_err("changed");
        assert!(failure.what.ends_with("it changed while it was uploaded; try again once nobody writes to it"));
    }
}
