//! One IDX file: a magic number, sizes, then bytes; raw or gzip.
//!
//! # Source
//! "The IDX file format" on LeCun's page of MNIST, <http://yann.lecun.com/exdb/mnist/>: two zero bytes, the type (8 is unsigned
//! byte), the number of axes, one big-endian 32-bit size an axis, then the data.
//!
//! The header is bounded before anything is unpacked, and the unpacked data must be exactly as long as the header says.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use mvl_core::{DataError, MAX_SIDE_PX};

#[cfg(feature = "remote")]
use crate::decode::read_bounded;
use crate::place::Place;

const UNSIGNED_BYTES: u8 = 8;
const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];
/// The most data that one file may unpack to.
const MAX_DATA_BYTES: u64 = 4 << 30;
/// Set aside for a header's claim before its data have come.
const TRUSTED_BYTES: u64 = 64 << 20;

/// The images of an IDX file, or the labels, which then have no height and width.
#[derive(Debug)]
pub(super) struct IdxFile<const AXES: usize> {
    /// `[count]` or `[count, height, width]`.
    pub(super) sizes: [usize; AXES],
    /// As many bytes as the product of the sizes.
    pub(super) data: Vec<u8>,
}

impl<const AXES: usize> IdxFile<AXES> {
    /// Opens and reads a file or object.
    pub(super) fn open(path: &Path) -> Result<Self, DataError> {
        let read = match Place::of(path)? {
            Place::Disk(path) => match File::open(&path) {
                Ok(file) => Self::read(BufReader::new(file)),
                Err(source) => return Err(DataError::Io { path, source }),
            },
            #[cfg(feature = "remote")]
            Place::Store(_) => Self::read(&*read_bounded(path, MAX_DATA_BYTES)?),
        };
        read.map_err(|what| DataError::Format { path: path.to_owned(), what })
    }

    /// Reads a stream, raw or gzip. The error is what is wrong.
    pub(super) fn read(mut stream: impl Read) -> Result<Self, String> {
        let mut magic = [0; 2];
        let begun = read_up_to(&mut stream, &mut magic)?;
        let whole = magic[..begun].chain(stream);
        if magic == GZIP_MAGIC { Self::read_raw(MultiGzDecoder::new(whole)) } else { Self::read_raw(whole) }
    }

    fn read_raw(mut stream: impl Read) -> Result<Self, String> {
        let mut magic = [0; 4];
        if read_up_to(&mut stream, &mut magic)? < 4 || magic[..2] != [0, 0] {
            return Err("not an IDX file: expected two zero bytes at its start".to_owned());
        }
        if magic[2] != UNSIGNED_BYTES || usize::from(magic[3]) != AXES {
            let [_, _, kind, axes] = magic;
            return Err(format!(
                "expected IDX data of type {UNSIGNED_BYTES} (unsigned bytes) with {AXES} axes, got type {kind} with {axes}"
            ));
        }
        let mut sizes = [0; AXES];
        for size in &mut sizes {
            let mut bytes = [0; 4];
            if read_up_to(&mut stream, &mut bytes)? < 4 {
                return Err("the file ends early, in its header".to_owned());
            }
            *size = u32::from_be_bytes(bytes) as usize;
        }
        let expected = check_sizes(&sizes)?;
        let mut data = Vec::with_capacity(expected.min(TRUSTED_BYTES) as usize);
        let read = stream.take(expected + 1).read_to_end(&mut data);
        let got = data.len() as u64;
        match (read, got) {
            (Err(error), _) if got < expected => Err(format!("the data end early: {error}")),
            (Err(error), _) => Err(format!("the data are corrupt: {error}")),
            (Ok(_), got) if got < expected => Err(format!("the data end early: expected {expected} bytes, got {got}")),
            (Ok(_), got) if got > expected => Err(format!("expected {expected} bytes of data, got more")),
            _ => Ok(Self { sizes, data }),
        }
    }
}

/// How many bytes the header promises.
fn check_sizes(sizes: &[usize]) -> Result<u64, String> {
    let sides = &sizes[1..];
    if sides.iter().any(|&side| side == 0 || side > MAX_SIDE_PX as usize) {
        return Err(format!("expected image sides of 1 to {MAX_SIDE_PX} pixels, got {sides:?}"));
    }
    let bytes = sizes.iter().try_fold(1_u64, |product, &size| product.checked_mul(size as u64));
    bytes
        .filter(|&bytes| bytes <= MAX_DATA_BYTES)
        .ok_or_else(|| format!("expected at most {} GiB of data, got a header of {sizes:?}", MAX_DATA_BYTES >> 30))
}

/// Fills the buffer as far as the stream goes.
fn read_up_to(stream: &mut impl Read, buffer: &mut [u8]) -> Result<usize, String> {
    let mut filled = 0;
    while filled < buffer.len() {
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(format!("cannot be read: {error}")),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(header: [u32; 3], data: &[u8]) -> Result<IdxFile<3>, String> {
        let mut bytes = vec![0, 0, 8, 3];
        bytes.extend(header.iter().flat_map(|size| size.to_be_bytes()));
        bytes.extend(data);
        IdxFile::read(&bytes[..])
    }

    #[test]
    fn sizes_and_data_must_agree() {
        let file = images([2, 1, 2], &[1, 2, 3, 4]).expect("four bytes");
        assert_eq!((file.sizes, file.data), ([2, 1, 2], vec![1, 2, 3, 4]));
        let message = |header, data: &[u8]| images(header, data).expect_err("wrong");
        assert_eq!(message([2, 1, 2], &[1, 2, 3]), "the data end early: expected 4 bytes, got 3");
        assert_eq!(message([2, 1, 2], &[0; 5]), "expected 4 bytes of data, got more");
        assert_eq!(message([1, 0, 2], &[]), "expected image sides of 1 to 16384 pixels, got [0, 2]");
        assert_eq!(
            message([u32::MAX, 16384, 16384], &[]),
            "expected at most 4 GiB of data, got a header of [4294967295, 16384, 16384]"
        );
    }

    #[test]
    fn other_files_are_refused() {
        assert_eq!(
            IdxFile::<1>::read(&b"PK\x03\x04"[..]).expect_err("a zip file"),
            "not an IDX file: expected two zero bytes at its start"
        );
        assert_eq!(
            IdxFile::<1>::read(&[0, 0, 8, 3, 0, 0, 0, 0][..]).expect_err("images"),
            "expected IDX data of type 8 (unsigned bytes) with 1 axes, got type 8 with 3"
        );
        assert_eq!(IdxFile::<1>::read(&[0, 0, 8, 1, 0][..]).expect_err("cut"), "the file ends early, in its header");
    }
}
