//! A record as a file: what is known about an image, then its file or its pixels, as they are, so that the file can be mapped.
//!
//! | bytes | what |
//! |---|---|
//! | 0–7 | `mvlrec` and the version |
//! | 8–11 | CRC-32C of all that follows |
//! | 12–27 | the record's origin |
//! | 28–31 | 0 for an image file, 1 for grey pixels, 3 for RGB pixels |
//! | 32–39 | width and height of pixels |
//! | 40–47 | length of the source's name, length of the annotations |
//! | 48– | name, annotations, then the image file or `[height, width, channels]` pixels |
//!
//! Numbers are little-endian.

use std::io::{self, Write};

use bytes::Bytes;
use mvl_core::{Annotations, Channels, EncodedSample, Image, Record, Sample};

const MAGIC: [u8; 8] = *b"mvlrec\x00\x01";
/// Where what the checksum covers begins.
const CHECKED_FROM: usize = 12;
const HEADER_BYTES: usize = 48;
const IMAGE_FILE: u32 = 0;

/// An entry that is about to be written.
pub(super) struct Entry<'a> {
    header: [u8; HEADER_BYTES],
    source: &'a str,
    annotations: Vec<u8>,
    payload: &'a [u8],
}

impl<'a> Entry<'a> {
    /// `None` for records that have nothing to keep, or more than an entry can hold.
    pub(super) fn new(origin: [u8; 16], record: &'a Record) -> Option<Self> {
        let (kind, width, height, source, annotations, payload): (_, _, _, &str, _, &[u8]) = match record {
            Record::Encoded(sample) => (IMAGE_FILE, 0, 0, &sample.source, &sample.annotations, &sample.bytes),
            Record::Decoded(sample) => {
                let image = &sample.image;
                let channels = image.channels().count() as u32;
                (channels, image.width(), image.height(), &sample.source, &sample.annotations, image.pixels())
            }
            _ => return None,
        };
        let annotations = annotations.to_bytes();
        let lens = [u32::try_from(source.len()).ok()?, u32::try_from(annotations.len()).ok()?];
        let mut header = [0; HEADER_BYTES];
        header[..8].copy_from_slice(&MAGIC);
        header[CHECKED_FROM..28].copy_from_slice(&origin);
        header[28..].copy_from_slice([kind, width, height, lens[0], lens[1]].map(u32::to_le_bytes).as_flattened());
        let parts = [&header[CHECKED_FROM..], source.as_bytes(), &annotations, payload];
        let crc = parts.into_iter().fold(0, crc32c::crc32c_append);
        header[8..CHECKED_FROM].copy_from_slice(&crc.to_le_bytes());
        Some(Self { header, source, annotations, payload })
    }

    /// Length of the file.
    pub(super) fn len(&self) -> u64 {
        (HEADER_BYTES + self.source.len() + self.annotations.len() + self.payload.len()) as u64
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        [&self.header, self.source.as_bytes(), &self.annotations, self.payload]
            .into_iter()
            .try_for_each(|part| out.write_all(part))
    }
}

/// What a file holds.
#[derive(Debug)]
pub(super) enum Found {
    /// The record that was looked for.
    Record(Record),
    /// A whole entry, but of a record from elsewhere, or of a file as it was before.
    Other,
    /// Nothing that this release wrote, or not all of it.
    Damaged,
}

/// Reads an entry. The record's bytes are a slice of the file's.
pub(super) fn read_entry(file: &Bytes, origin: [u8; 16]) -> Found {
    match parse(file) {
        None => Found::Damaged,
        Some((found, _)) if found != origin => Found::Other,
        Some((_, record)) => Found::Record(record),
    }
}

fn parse(file: &Bytes) -> Option<([u8; 16], Record)> {
    let (header, rest) = file.split_first_chunk::<HEADER_BYTES>()?;
    let (crc, checked) = (u32_at(header, 8), &file[CHECKED_FROM..]);
    if header[..8] != MAGIC || crc32c::crc32c(checked) != crc {
        return None;
    }
    let origin = *header[CHECKED_FROM..].first_chunk()?;
    let [kind, width, height, source_len, annotations_len] = [28, 32, 36, 40, 44].map(|at| u32_at(header, at));
    let (source, rest) = rest.split_at_checked(source_len as usize)?;
    let (annotations, payload) = rest.split_at_checked(annotations_len as usize)?;
    let source = str::from_utf8(source).ok()?;
    let annotations = Annotations::from_bytes(annotations).ok()?;
    let channels = match kind {
        IMAGE_FILE => {
            let (bytes, source) = (file.slice_ref(payload), source.into());
            return Some((origin, Record::encoded(EncodedSample { bytes, annotations, source })));
        }
        1 => Channels::Gray,
        3 => Channels::Rgb,
        _ => return None,
    };
    let mut sample = Sample::new(Image::new(width, height, channels, payload.to_vec()).ok()?, source);
    sample.annotations = annotations;
    Some((origin, Record::decoded(sample)))
}

fn u32_at(header: &[u8; HEADER_BYTES], at: usize) -> u32 {
    u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: [u8; 16] = [7; 16];

    fn written(record: &Record) -> Bytes {
        let entry = Entry::new(ORIGIN, record).expect("it has something to keep");
        let mut file = Vec::new();
        entry.write(&mut file).expect("memory");
        assert_eq!(file.len() as u64, entry.len());
        file.into()
    }

    fn records() -> [Record; 2] {
        let pixels = Image::new(2, 1, Channels::Rgb, (0..6).collect()).expect("two pixels");
        let bytes = Bytes::from_static(b"not looked at");
        [
            Record::decoded(Sample::new(pixels, "a/ä.png").with_label(3)),
            Record::encoded(EncodedSample { bytes, annotations: Annotations::labelled(2), source: "b.jpg".into() }),
        ]
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        for record in records() {
            match (read_entry(&written(&record), ORIGIN), &record) {
                (Found::Record(Record::Encoded(found)), Record::Encoded(sample)) => assert_eq!(&found, sample),
                (Found::Record(Record::Decoded(found)), Record::Decoded(sample)) => assert_eq!(&found, sample),
                (found, _) => panic!("expected {record:?}, got {found:?}"),
            }
            assert!(matches!(read_entry(&written(&record), [8; 16]), Found::Other));
        }
        assert!(Entry::new(ORIGIN, &Record::Nothing).is_none());
    }

    #[test]
    fn any_changed_or_missing_byte_is_noticed() {
        for record in records() {
            let file = written(&record);
            for place in 0..file.len() {
                assert!(matches!(read_entry(&file.slice(..place), ORIGIN), Found::Damaged), "{place} bytes");
                let mut changed = file.to_vec();
                changed[place] ^= 1;
                assert!(matches!(read_entry(&changed.into(), ORIGIN), Found::Damaged), "byte {place}");
            }
        }
    }
}
