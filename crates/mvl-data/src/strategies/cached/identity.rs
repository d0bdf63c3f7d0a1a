//! Which record of which data set: what a cache knows its entries by.

use std::fs;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use mvl_core::Location;
use sha2::{Digest, Sha256};

/// Changes with the form of entries, so that those of other releases are not looked at.
const VERSION: u64 = 1;

/// In what form records are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As the data set has them.
    AsFetched,
    /// As pixels.
    Decoded,
}

/// A data set, as far as a cache can tell.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) name: Arc<str>,
    pub(super) form: Form,
    pub(super) len: usize,
}

/// A record's place in a cache, and what it must be to be the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Stands for the data set and the form.
    pub(super) dataset: [u8; 16],
    pub(super) index: usize,
    /// Stands for where the record lies, and for the file's state.
    pub(super) origin: [u8; 16],
}

/// A file's size, and when it was changed, in nanoseconds since 1970.
pub(super) type FileStamp = (u64, u64);

impl Identity {
    pub(super) fn place(&self, index: usize, location: Option<&Location>, stamp: Option<FileStamp>) -> Place {
        let mut origin = Digester::default();
        if let Some(Location { object, range, crc32c }) = location {
            origin.text(object);
            origin.numbers(range.as_ref().map_or([u64::MAX; 2], |range| [range.start, range.end]));
            origin.numbers([crc32c.map_or(u64::MAX, u64::from)]);
        }
        if let Some((len, changed)) = stamp {
            origin.numbers([len, changed]);
        }
        Place { dataset: self.digest(), index, origin: origin.finish() }
    }

    pub(super) fn digest(&self) -> [u8; 16] {
        let mut digester = Digester::default();
        digester.numbers([VERSION, self.form as u64, self.len as u64]);
        digester.text(&self.name);
        digester.finish()
    }
}

/// The state of a local file whose contents are not known by a checksum; `None` for others.
pub(super) fn file_stamp(location: &Location) -> Option<FileStamp> {
    if location.is_url() || location.crc32c.is_some() {
        return None;
    }
    let metadata = fs::metadata(&*location.object).ok()?;
    let changed = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((metadata.len(), changed.as_nanos() as u64))
}

/// SHA-256, of which the first half is kept.
#[derive(Default)]
struct Digester(Sha256);

impl Digester {
    fn numbers<const N: usize>(&mut self, numbers: [u64; N]) {
        self.0.update(numbers.map(u64::to_le_bytes).as_flattened());
    }

    fn text(&mut self, text: &str) {
        self.numbers([text.len() as u64]);
        self.0.update(text);
    }

    fn finish(self) -> [u8; 16] {
        let digest: [u8; 32] = self.0.finalize().into();
        *digest.first_chunk().expect("16 of 32 bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_tells_records_apart_changes_their_place() {
        let identity = |name: &str, form, len| Identity { name: name.into(), form, len };
        let pets = identity("pets", Form::AsFetched, 10);
        let at = |range, crc32c| Location { object: "a.tar".into(), range, crc32c };
        let reference = pets.place(3, Some(&at(Some(0..4), Some(1))), None);
        assert_eq!(pets.place(3, Some(&at(Some(0..4), Some(1))), None), reference);
        let others = [
            identity("pet", Form::AsFetched, 10).place(3, Some(&at(Some(0..4), Some(1))), None),
            identity("pets", Form::Decoded, 10).place(3, Some(&at(Some(0..4), Some(1))), None),
            identity("pets", Form::AsFetched, 11).place(3, Some(&at(Some(0..4), Some(1))), None),
            pets.place(4, Some(&at(Some(0..4), Some(1))), None),
            pets.place(3, Some(&at(Some(0..5), Some(1))), None),
            pets.place(3, Some(&at(Some(0..4), Some(2))), None),
            pets.place(3, Some(&at(Some(0..4), None)), None),
            pets.place(3, Some(&at(None, Some(1))), None),
            pets.place(3, Some(&Location::whole("b.tar")), None),
            pets.place(3, Some(&at(Some(0..4), Some(1))), Some((4, 0))),
            pets.place(3, None, None),
        ];
        for (place, other) in others.iter().enumerate() {
            assert_ne!(other, &reference, "case {place}");
        }
    }
}
