//! The framing of event files, which is that of TensorFlow's
//! [TFRecord](https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details): length, checksum of the length,
//! data, checksum of the data; all little-endian.

use std::io::{self, Read};

/// What a record takes at most, in bytes; the largest are pictures.
const MAX_RECORD_BYTES: u64 = 64 << 20;
/// Adds this to a checksum that was turned, so that checksums of checksums are no weakness.
const MASK_DELTA: u32 = 0xa282_ead8;

/// Puts a frame around data.
pub(super) fn frame(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(data.len() + 16);
    record.extend_from_slice(&length);
    record.extend_from_slice(&masked_crc(&length).to_le_bytes());
    record.extend_from_slice(data);
    record.extend_from_slice(&masked_crc(data).to_le_bytes());
    record
}

/// CRC-32C (Castagnoli), masked.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(MASK_DELTA)
}

/// Why there is no further record.
#[derive(Debug)]
pub(super) enum NoRecord {
    /// The file is at its end, between records.
    End,
    /// The file ends in the middle of one: it is still being written, or its writer was killed.
    Torn,
    /// What comes is none.
    Damaged(&'static str),
    /// It cannot be read.
    Io(io::Error),
}

/// The data of the next record. Bytes from anywhere are checked, and a length that is only said takes no memory.
///
/// # Errors
/// [`NoRecord`], where there is none.
pub(super) fn read(from: &mut impl Read) -> Result<Vec<u8>, NoRecord> {
    let mut length = [0; 8];
    match from.read(&mut length[..1]) {
        Ok(0) => return Err(NoRecord::End),
        Ok(_) => fill(from, &mut length[1..])?,
        Err(error) => return Err(NoRecord::Io(error)),
    }
    if checksum(from)? != masked_crc(&length) {
        return Err(NoRecord::Damaged("the checksum of a length is wrong"));
    }
    let bytes = u64::from_le_bytes(length);
    if bytes > MAX_RECORD_BYTES {
        return Err(NoRecord::Damaged("a record has more than 64 MiB"));
    }
    let mut data = Vec::new();
    from.take(bytes).read_to_end(&mut data).map_err(NoRecord::Io)?;
    if (data.len() as u64) < bytes {
        return Err(NoRecord::Torn);
    }
    if checksum(from)? != masked_crc(&data) {
        return Err(NoRecord::Damaged("the checksum of a record is wrong"));
    }
    Ok(data)
}

fn checksum(from: &mut impl Read) -> Result<u32, NoRecord> {
    let mut bytes = [0; 4];
    fill(from, &mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

fn fill(from: &mut impl Read, bytes: &mut [u8]) -> Result<(), NoRecord> {
    from.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => NoRecord::Torn,
        _ => NoRecord::Io(error),
    })
}

/// The data of all records, whose checksums must be right.
#[cfg(test)]
pub(super) fn read_all(mut file: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    loop {
        match read(&mut file) {
            Ok(record) => records.push(record),
            Err(NoRecord::End) => return records,
            Err(other) => panic!("after {} records: {other:?}", records.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_castagnolis() {
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283); // the check value of CRC-32C
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa); // RFC 3720, B.4
        assert_eq!(masked_crc(b"123456789"), 0xc78a_b0e5);
    }

    #[test]
    fn a_known_record_has_known_bytes() {
        // As TensorBoard's own RecordWriter (2.21) frames it.
        let data = b"\x09\x00\x00\x00\x00\x00\x00\xf0\x3f\x1a\x0dbrain.Event:2";
        assert_eq!(frame(data), KNOWN);
        assert_eq!(read_all(&frame(data)), [data.to_vec()]);
    }

    #[test]
    fn what_is_no_record_is_told_from_what_ends() {
        let good = frame(b"data");
        for cut in 1..good.len() {
            assert!(matches!(read(&mut &good[..cut]), Err(NoRecord::Torn)), "{cut}");
        }
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(matches!(read(&mut &bad[..]), Err(NoRecord::Damaged(_))), "{at}");
        }
        let length = u64::MAX.to_le_bytes();
        let endless = [&length[..], &masked_crc(&length).to_le_bytes()].concat();
        assert!(matches!(read(&mut &endless[..]), Err(NoRecord::Damaged("a record has more than 64 MiB"))));
    }

    const KNOWN: &[u8] =
        b"\x18\x00\x00\x00\x00\x00\x00\x00\xa3\x7fK\"\t\x00\x00\x00\x00\x00\x00\xf0?\x1a\rbrain.Event:2\x86\xbfWz";
}
