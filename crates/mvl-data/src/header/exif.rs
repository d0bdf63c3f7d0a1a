//! The orientation in a file's EXIF data: JPEG's APP1 segment, PNG's `eXIf` chunk, WebP's `EXIF` chunk.
//!
//! Sources: EXIF 2.32 (CIPA DC-008-2019), TIFF 6.0 (1992), the PNG specification (third edition), Google's WebP container.
//! Only the one tag is looked for; every length is checked, and no offset is followed twice, so any bytes may be given.

use super::Orientation;
use super::image_kind::ImageKind;
use super::jpeg_segments::JpegSegments;

const APP1: u8 = 0xE1;
/// What JPEG puts before the TIFF data, and some writers of WebP too.
const EXIF_PREFIX: &[u8] = b"Exif\0\0";
const PNG_SIGNATURE_BYTES: usize = 8;
const RIFF_HEADER_BYTES: usize = 12;
/// Chunks that are walked before giving up, in case a file is nothing but empty ones.
const MAX_CHUNKS: usize = 10_000;

const TIFF_MAGIC: u16 = 42;
const ENTRY_BYTES: usize = 12;
const ORIENTATION_TAG: u16 = 0x0112;
const SHORT: u16 = 3;

/// The orientation that an image file's EXIF data tell; `None` where they tell none, or the bytes are no image's.
///
/// # Example
/// ```
/// use mvl_data::{Orientation, exif_orientation};
/// let tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
/// let jpeg = [b"\xFF\xD8\xFF\xE1\0\x22Exif\0\0", &tiff[..]].concat();
/// assert_eq!(exif_orientation(&jpeg), Some(Orientation::Rotate90));
/// assert_eq!(exif_orientation(b"nothing of the kind"), None);
/// ```
#[must_use]
pub fn exif_orientation(file: &[u8]) -> Option<Orientation> {
    let tiff = match ImageKind::of(file)? {
        ImageKind::Jpeg => JpegSegments::new(file)
            .filter(|segment| segment.code == APP1)
            .find_map(|segment| segment.payload.strip_prefix(EXIF_PREFIX))?,
        ImageKind::Png => png_exif(file)?,
        ImageKind::WebP => webp_exif(file)?,
        ImageKind::Bmp => return None,
    };
    tiff_orientation(tiff)
}

/// The first `eXIf` chunk: length, name, data, checksum each.
fn png_exif(file: &[u8]) -> Option<&[u8]> {
    let mut rest = file.get(PNG_SIGNATURE_BYTES..)?;
    for _ in 0..MAX_CHUNKS {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (name, after) = after.split_first_chunk::<4>()?;
        let (data, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        if name == b"eXIf" {
            return Some(data);
        }
        rest = after.get(4..)?;
    }
    None
}

/// The first `EXIF` chunk: name, length, data, padded to an even length each.
fn webp_exif(file: &[u8]) -> Option<&[u8]> {
    let mut rest = file.get(RIFF_HEADER_BYTES..)?;
    for _ in 0..MAX_CHUNKS {
        let (name, after) = rest.split_first_chunk::<4>()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        let (data, after) = after.split_at_checked(length)?;
        if name == b"EXIF" {
            return Some(data.strip_prefix(EXIF_PREFIX).unwrap_or(data));
        }
        rest = after.get(length % 2..)?;
    }
    None
}

/// The orientation in the first directory of TIFF data.
fn tiff_orientation(tiff: &[u8]) -> Option<Orientation> {
    let little = match tiff.first_chunk::<2>()? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let short = |at: usize| -> Option<u16> {
        let bytes = *tiff.get(at..)?.first_chunk::<2>()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let long = |at: usize| -> Option<u32> {
        let bytes = *tiff.get(at..)?.first_chunk::<4>()?;
        Some(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    if short(2)? != TIFF_MAGIC {
        return None;
    }
    let directory = long(4)? as usize;
    let first = directory.checked_add(2)?;
    for entry in 0..usize::from(short(directory)?) {
        let at = first.checked_add(entry * ENTRY_BYTES)?;
        if short(at)? == ORIENTATION_TAG {
            let is_one_short = short(at + 2)? == SHORT && long(at + 4)? == 1;
            return is_one_short.then(|| short(at + 8)).flatten().and_then(Orientation::from_code);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TIFF data with a first tag of another kind and the orientation after it.
    fn tiff(little: bool, code: u16) -> Vec<u8> {
        let short = |value: u16| if little { value.to_le_bytes() } else { value.to_be_bytes() };
        let long = |value: u32| if little { value.to_le_bytes() } else { value.to_be_bytes() };
        let mut bytes = if little { b"II".to_vec() } else { b"MM".to_vec() };
        bytes.extend(short(42));
        bytes.extend(long(8));
        bytes.extend(short(2));
        for (tag, value) in [(0x0100, 7), (ORIENTATION_TAG, code)] {
            bytes.extend(short(tag));
            bytes.extend(short(SHORT));
            bytes.extend(long(1));
            bytes.extend(short(value));
            bytes.extend([0; 2]);
        }
        bytes.extend([0; 4]);
        bytes
    }

    #[test]
    fn both_byte_orders_and_all_eight_codes() {
        for (at, orientation) in Orientation::ALL.into_iter().enumerate() {
            for little in [true, false] {
                assert_eq!(tiff_orientation(&tiff(little, at as u16 + 1)), Some(orientation));
            }
        }
        assert_eq!((tiff_orientation(&tiff(true, 0)), tiff_orientation(&tiff(true, 9))), (None, None));
    }

    #[test]
    fn every_container_has_its_place_for_it() {
        let data = tiff(false, 6);
        let mut png = b"\x89PNG\r\n\x1A\n\0\0\0\x01IHDRx----".to_vec();
        png.extend((data.len() as u32).to_be_bytes());
        png.extend(b"eXIf");
        png.extend(&data);
        let mut webp = b"RIFF\0\0\0\0WEBPVP8X\x01\0\0\0x\0EXIF".to_vec();
        webp.extend((data.len() as u32).to_le_bytes());
        webp.extend(&data);
        for file in [png, webp] {
            assert_eq!(exif_orientation(&file), Some(Orientation::Rotate90));
            for len in 0..file.len() - 5 {
                assert_eq!(exif_orientation(&file[..len]), None, "cut at {len}");
            }
        }
    }

    #[test]
    fn a_directory_out_of_the_data_is_none() {
        let mut bytes = tiff(true, 6);
        bytes[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(tiff_orientation(&bytes), None);
        let mut bytes = tiff(true, 6);
        bytes[8..10].copy_from_slice(&u16::MAX.to_le_bytes());
        bytes[22] = 0; // no orientation among the entries that are there
        assert_eq!(tiff_orientation(&bytes), None);
    }
}
