//! The framing of event files, which is that of TensorFlow's
//! [TFRecord](https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details): length, checksum of the length,
//! data, checksum of the data; all little-endian.

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

/// The data of all records, whose checksums must be right.
#[cfg(test)]
pub(super) fn read_all(mut file: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while let Some((length, rest)) = file.split_first_chunk::<8>() {
        let (crc, rest) = rest.split_first_chunk::<4>().expect("a checksum");
        assert_eq!(u32::from_le_bytes(*crc), masked_crc(length), "length of record {}", records.len());
        let (data, rest) = rest.split_at(u64::from_le_bytes(*length) as usize);
        let (crc, rest) = rest.split_first_chunk::<4>().expect("a checksum");
        assert_eq!(u32::from_le_bytes(*crc), masked_crc(data), "data of record {}", records.len());
        records.push(data.to_vec());
        file = rest;
    }
    records
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

    const KNOWN: &[u8] =
        b"\x18\x00\x00\x00\x00\x00\x00\x00\xa3\x7fK\"\t\x00\x00\x00\x00\x00\x00\xf0?\x1a\rbrain.Event:2\x86\xbfWz";
}
