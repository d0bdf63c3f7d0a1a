//! The index beside a shard: for every sample its key, where it lies, a checksum and its class, so that a shard of any size
//! opens at once and gives any sample without its neighbours.
//!
//! Layout, all numbers little-endian: the magic, `u32` version, `u32` samples, `u64` bytes of the shard; for each sample `u64`
//! offset, `u64` length, `u32` CRC-32C of these bytes, `u32` class (all ones for none), `u16` length of the key and the key;
//! at the end `u32` CRC-32C of everything before it. A sample's bytes are its whole members, headers and padding included.

use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use mvl_core::{DataError, write_atomically};

use super::tar_header::BLOCK;
use super::writer::cannot_write;
use crate::decode::read_bounded;
use crate::place::read_each;

const MAGIC: &[u8; 8] = b"mvlshard";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 24;
/// A sample with the shortest key.
const MIN_SAMPLE_BYTES: usize = 8 + 8 + 4 + 4 + 2 + 1;
const NO_CLASS: u32 = u32::MAX;
/// The largest class index, so that one bad number cannot ask for all of memory.
pub(super) const MAX_CLASS: usize = 1_000_000;
/// The largest index that is read.
const MAX_INDEX_BYTES: u64 = 1 << 28;
/// The ending of an index's name.
const EXTENSION: &str = "idx";

/// Where a sample lies in its shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardEntry {
    /// The name that its members share.
    pub key: String,
    /// The first byte of its members.
    pub offset: u64,
    /// How many bytes they take, headers and padding included.
    pub len: u64,
    /// CRC-32C (Castagnoli) of these bytes.
    pub crc32c: u32,
    /// Its class, where it has a single one.
    pub class: Option<usize>,
}

impl ShardEntry {
    /// Its bytes in the shard.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.offset..self.offset + self.len
    }
}

/// The samples of a shard in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShardIndex {
    /// How long the shard is in bytes; another length means that it was cut off or replaced.
    pub shard_len: u64,
    /// The samples, in the shard's order.
    pub entries: Vec<ShardEntry>,
}

impl ShardIndex {
    /// Where the index of a shard lies.
    #[must_use]
    pub fn path_of(shard: &Path) -> PathBuf {
        shard.with_extension(EXTENSION)
    }

    /// Reads the index beside a shard; `None` when there is none.
    ///
    /// # Errors
    /// [`DataError::Io`] when it cannot be read, [`DataError::Format`] when it is damaged.
    pub fn read_beside(shard: &Path) -> Result<Option<Self>, DataError> {
        let path = Self::path_of(shard);
        let bytes = read_bounded(&path, MAX_INDEX_BYTES);
        Self::read_from(path, bytes.map(Bytes::from))
    }

    /// Reads the indices beside several shards, in an object store all at the same time; `None` where there is none.
    ///
    /// # Errors
    /// As for one of them.
    pub(super) fn read_each_beside(shards: &[PathBuf]) -> Result<Vec<Option<Self>>, DataError> {
        let paths: Vec<PathBuf> = shards.iter().map(|shard| Self::path_of(shard)).collect();
        let files = read_each(&paths, MAX_INDEX_BYTES)?;
        paths.into_iter().zip(files).map(|(path, bytes)| Self::read_from(path, bytes)).collect()
    }

    fn read_from(path: PathBuf, bytes: Result<Bytes, DataError>) -> Result<Option<Self>, DataError> {
        match bytes {
            Err(DataError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
            Ok(bytes) => match Self::parse(&bytes) {
                Ok(index) => Ok(Some(index)),
                Err(what) => {
                    Err(DataError::Format { path, what: format!("{what}; repair the shard, or remove this file") })
                }
            },
        }
    }

    /// Writes the index beside its shard.
    ///
    /// # Errors
    /// [`DataError::Other`] with the system's reason.
    pub fn write_beside(&self, shard: &Path) -> Result<(), DataError> {
        let path = Self::path_of(shard);
        write_atomically(&path, |out| out.write_all(&self.to_bytes())).map_err(|source| cannot_write(&path, source))
    }

    /// The file's bytes.
    ///
    /// # Panics
    /// If a key is longer than 65,535 bytes, which no shard's is.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((self.entries.len() as u32).to_le_bytes());
        bytes.extend(self.shard_len.to_le_bytes());
        for entry in &self.entries {
            let key_len = u16::try_from(entry.key.len()).expect("a shard's names are short");
            bytes.extend(entry.offset.to_le_bytes());
            bytes.extend(entry.len.to_le_bytes());
            bytes.extend(entry.crc32c.to_le_bytes());
            bytes.extend(entry.class.map_or(NO_CLASS, |class| class as u32).to_le_bytes());
            bytes.extend(key_len.to_le_bytes());
            bytes.extend(entry.key.as_bytes());
        }
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    /// Reads a file's bytes. An index that is accepted is consistent: its samples lie in order, within the shard, and do not overlap.
    ///
    /// # Errors
    /// What is wrong.
    ///
    /// # Example
    /// ```
    /// use mvl_data::ShardIndex;
    /// let empty = ShardIndex { shard_len: 1024, entries: vec![] };
    /// assert_eq!(ShardIndex::parse(&empty.to_bytes()), Ok(empty));
    /// assert_eq!(ShardIndex::parse(b"0 1 2"), Err("not the index of a shard".to_owned()));
    /// ```
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        if !bytes.starts_with(MAGIC) {
            return Err("not the index of a shard".to_owned());
        }
        let early = || "the index ends early".to_owned();
        let (content, claimed) = bytes.split_last_chunk::<4>().ok_or_else(early)?;
        let mut fields = Fields(content.get(MAGIC.len()..).ok_or_else(early)?);
        let version = fields.u32().ok_or_else(early)?;
        if version != VERSION {
            return Err(format!("expected an index of version {VERSION}, got {version}"));
        }
        if crc32c::crc32c(content) != u32::from_le_bytes(*claimed) {
            return Err("the index is damaged: its checksum does not fit".to_owned());
        }
        let count = fields.u32().ok_or_else(early)? as usize;
        let shard_len = fields.u64().ok_or_else(early)?;
        if count > (content.len().saturating_sub(HEADER_BYTES)) / MIN_SAMPLE_BYTES {
            return Err(format!("{count} samples do not fit into an index of {} bytes", bytes.len()));
        }
        let mut entries = Vec::with_capacity(count);
        let mut free_from = 0;
        for at in 0..count {
            let entry = fields.entry().ok_or_else(|| format!("sample {at} of the index is damaged"))?;
            let end = entry.offset.checked_add(entry.len).filter(|&end| end <= shard_len);
            let aligned = [entry.offset, entry.len].iter().all(|number| number.is_multiple_of(BLOCK as u64));
            match end {
                Some(end) if aligned && entry.len > 0 && entry.offset >= free_from => free_from = end,
                _ => return Err(format!("sample {:?} of the index lies where no sample can be", entry.key)),
            }
            entries.push(entry);
        }
        if !fields.0.is_empty() {
            return Err(format!("{} bytes follow the last sample of the index", fields.0.len()));
        }
        Ok(Self { shard_len, entries })
    }
}

/// What of an index is not read yet; a field that is not there whole is `None`.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (field, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(field)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn entry(&mut self) -> Option<ShardEntry> {
        let (offset, len, crc32c, class) = (self.u64()?, self.u64()?, self.u32()?, self.u32()?);
        let class = match class {
            NO_CLASS => None,
            class if class as usize <= MAX_CLASS => Some(class as usize),
            _ => return None,
        };
        let key_len = usize::from(u16::from_le_bytes(self.array()?));
        let key = std::str::from_utf8(self.take(key_len)?).ok().filter(|key| !key.is_empty())?;
        Some(ShardEntry { key: key.to_owned(), offset, len, crc32c, class })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> ShardIndex {
        let entry = |key: &str, offset, len, class| ShardEntry { key: key.to_owned(), offset, len, crc32c: 7, class };
        ShardIndex {
            shard_len: 4096,
            entries: vec![entry("cat/0", 0, 1024, Some(3)), entry("cat/1", 1536, 1536, None)],
        }
    }

    fn error(index: &ShardIndex) -> String {
        ShardIndex::parse(&index.to_bytes()).expect_err("inconsistent")
    }

    #[test]
    fn an_index_survives_and_every_flipped_byte_is_noticed() {
        let bytes = index().to_bytes();
        assert_eq!(ShardIndex::parse(&bytes), Ok(index()));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert!(ShardIndex::parse(&damaged).is_err(), "byte {at}");
            assert!(ShardIndex::parse(&bytes[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn inconsistent_places_are_refused() {
        let changed = |change: fn(&mut ShardEntry)| {
            let mut index = index();
            change(&mut index.entries[1]);
            error(&index)
        };
        for message in [
            changed(|entry| entry.offset = 512),
            changed(|entry| entry.offset = 1537),
            changed(|entry| entry.len = 0),
            changed(|entry| entry.len = 4096),
            changed(|entry| entry.offset = u64::MAX - 511),
        ] {
            assert_eq!(message, "sample \"cat/1\" of the index lies where no sample can be");
        }
        assert_eq!(changed(|entry| entry.class = Some(2_000_000)), "sample 1 of the index is damaged");
        assert_eq!(changed(|entry| entry.key.clear()), "sample 1 of the index is damaged");
    }

    #[test]
    fn a_count_beyond_the_file_allocates_nothing() {
        let mut bytes = ShardIndex::default().to_bytes();
        bytes[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
        let content = bytes.len() - 4;
        let sum = crc32c::crc32c(&bytes[..content]);
        bytes[content..].copy_from_slice(&sum.to_le_bytes());
        assert_eq!(
            ShardIndex::parse(&bytes),
            Err("4294967295 samples do not fit into an index of 28 bytes".to_owned())
        );
    }
}
