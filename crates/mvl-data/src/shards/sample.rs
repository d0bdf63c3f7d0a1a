//! A sample as a shard holds it: members `KEY.EXTENSION` one after the other, told apart by what follows the first dot.
//!
//! Source: the WebDataset format, <https://github.com/webdataset/webdataset#the-webdataset-format>. A key may have folders in it
//! but no dot after the last slash; extensions may have dots, such as `seg.png`.

use std::io::{self, Write};

use bytes::Bytes;

use super::tar_header::{Header, MAX_WRITTEN_NAME_BYTES, padding};
use super::tar_walk::{TarError, TarWalk};

/// The members of one sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardSample {
    /// The name that the members share.
    pub key: String,
    /// The members in order, each extension once.
    pub parts: Vec<ShardPart>,
}

/// A member of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardPart {
    /// What the member is, in lower case and without a dot before it: `jpg`, `json`, `cls`.
    pub extension: String,
    /// Its content.
    pub bytes: Bytes,
}

impl ShardSample {
    /// A sample of a key that can be written: not empty, of visible ASCII, without `..`, and without a dot in its last part.
    ///
    /// # Errors
    /// What is wrong with the key.
    pub fn new(key: impl Into<String>) -> Result<Self, String> {
        let key = key.into();
        let named = format!("{key}.x");
        let splits = split_name(&named).is_some_and(|(found, _)| found == key);
        let leads_out = key.starts_with('/') || key.split('/').any(|part| part == "..");
        if !splits || leads_out || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!(
                "expected the key of a sample to be of visible ASCII, relative, and without a dot in its last part, got {key:?}"
            ));
        }
        Ok(Self { key, parts: Vec::new() })
    }

    /// Adds a member.
    #[must_use]
    pub fn with_part(mut self, extension: &str, bytes: impl Into<Bytes>) -> Self {
        self.parts.push(ShardPart { extension: extension.to_owned(), bytes: bytes.into() });
        self
    }

    /// The content of a member.
    #[must_use]
    pub fn part(&self, extension: &str) -> Option<&Bytes> {
        self.parts.iter().find(|part| part.extension == extension).map(|part| &part.bytes)
    }

    /// Reads the bytes that a shard's index names, without copying any content.
    ///
    /// # Errors
    /// [`TarError`] when these are not the members of a single sample; its offset counts from the first of these bytes.
    pub fn parse(bytes: &Bytes) -> Result<Self, TarError> {
        let mut sample = Self { key: String::new(), parts: Vec::new() };
        for entry in TarWalk::part(bytes) {
            let entry = entry?;
            let error = |what: String| TarError::new(entry.start, what);
            let (key, extension) =
                split_name(&entry.name).ok_or_else(|| error(format!("{:?} has no extension", entry.name)))?;
            if sample.parts.is_empty() {
                key.clone_into(&mut sample.key);
            }
            if key != sample.key || sample.part(&extension).is_some() {
                return Err(error(format!("{:?} does not belong to the sample {:?}", entry.name, sample.key)));
            }
            sample.parts.push(ShardPart { extension, bytes: bytes.slice(entry.data) });
        }
        if sample.parts.is_empty() {
            return Err(TarError::new(0, "a sample has no members"));
        }
        Ok(sample)
    }

    /// How many bytes the members take in a shard.
    pub(super) fn len_in_shard(&self) -> u64 {
        let len = |part: &ShardPart| super::tar_header::BLOCK + part.bytes.len() + padding(part.bytes.len());
        self.parts.iter().map(|part| len(part) as u64).sum()
    }

    /// Writes the members, and gives the CRC-32C of all that was written.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<u32> {
        let mut sum = 0;
        let mut put = |bytes: &[u8]| {
            sum = crc32c::crc32c_append(sum, bytes);
            out.write_all(bytes)
        };
        for part in &self.parts {
            let name = format!("{}.{}", self.key, part.extension);
            if name.len() > MAX_WRITTEN_NAME_BYTES {
                let what =
                    format!("expected a name of at most {MAX_WRITTEN_NAME_BYTES} bytes in a shard, got {name:?}");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
            }
            put(&Header::file(&name, part.bytes.len() as u64))?;
            put(&part.bytes)?;
            put(&[0; super::tar_header::BLOCK][..padding(part.bytes.len())])?;
        }
        Ok(sum)
    }
}

/// Key and extension of a member; `None` for names that `webdataset` passes over too, such as hidden ones.
pub(super) fn split_name(name: &str) -> Option<(&str, String)> {
    let base = name.rfind('/').map_or(0, |slash| slash + 1);
    let dot = base + name[base..].find('.')?;
    (dot > base).then(|| (&name[..dot], name[dot + 1..].to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_at_the_first_dot_of_the_last_part() {
        for (name, expected) in [
            ("a.jpg", Some(("a", "jpg"))),
            ("v1.0/a.Seg.PNG", Some(("v1.0/a", "seg.png"))),
            ("a.", Some(("a", ""))),
            (".hidden", None),
            ("a/.b", None),
            ("plain", None),
        ] {
            let split = split_name(name);
            assert_eq!(split.as_ref().map(|(key, extension)| (*key, extension.as_str())), expected, "{name}");
        }
    }

    #[test]
    fn only_keys_that_come_back_can_be_written() {
        for key in ["", ".a", "a.b", "/a", "a/../b", "a b", "a/", "ä"] {
            assert!(ShardSample::new(key).is_err(), "{key:?}");
        }
        assert!(ShardSample::new("v1.0/cat_0001").is_ok());
    }

    #[test]
    fn a_sample_survives() {
        let sample = ShardSample::new("k").expect("a key").with_part("jpg", vec![9; 600]).with_part("cls", "3");
        let mut bytes = Vec::new();
        let sum = sample.write(&mut bytes).expect("memory takes all");
        assert_eq!((bytes.len() as u64, crc32c::crc32c(&bytes)), (sample.len_in_shard(), sum));
        assert_eq!(ShardSample::parse(&bytes.into()), Ok(sample));
    }

    #[test]
    fn members_of_two_samples_are_no_sample() {
        let one = |key: &str| {
            let mut bytes = Vec::new();
            ShardSample::new(key).expect("a key").with_part("cls", "3").write(&mut bytes).expect("memory takes all");
            bytes
        };
        let error = |bytes: Vec<u8>| ShardSample::parse(&bytes.into()).expect_err("two").to_string();
        assert_eq!(error([one("a"), one("b")].concat()), "\"b.cls\" does not belong to the sample \"a\" at byte 1024");
        assert_eq!(error([one("a"), one("a")].concat()), "\"a.cls\" does not belong to the sample \"a\" at byte 1024");
        assert_eq!(error(Vec::new()), "a sample has no members at byte 0");
    }
}
