//! JPEG through zune-jpeg, which is written in Rust.
//!
//! It decodes all columns, from the top on. What lies below the part that is needed is left out where a file is coded from top to
//! bottom in one scan: it is decoded as if its header told a smaller height.

use std::ops::Range;

use mvl_core::Channels;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::Wanted;
use super::jpeg::{JpegPart, corrupt};
use super::jpeg_outline::{Frame, Outline};
use super::scratch::Scratch;
use crate::ops::CropBox;

pub(super) fn decode(
    bytes: &[u8],
    outline: &Outline,
    scratch: &mut Scratch,
    want: impl FnOnce([u32; 2]) -> Result<Wanted, String>,
) -> Result<JpegPart, String> {
    let Scratch { pixels, file, .. } = scratch;
    if let Some(frame) = outline.baseline.filter(|_| outline.scans == 1) {
        let wanted = want([frame.height, frame.width])?;
        let Some((at, height)) = shorter(frame, wanted.area.rows()) else {
            return decode_all(bytes, Some([frame.height, frame.width]), pixels, |_| Ok(()));
        };
        file.clear();
        file.extend_from_slice(bytes);
        file[at].copy_from_slice(&height.to_be_bytes());
        return decode_all(file, Some([u32::from(height), frame.width]), pixels, |_| Ok(()));
    }
    decode_all(bytes, None, pixels, |size| want(size).map(drop))
}

/// Decodes all rows, after a question about the picture's size, which may be known.
fn decode_all(
    bytes: &[u8],
    expected: Option<[u32; 2]>,
    pixels: &mut Vec<u8>,
    ask: impl FnOnce([u32; 2]) -> Result<(), String>,
) -> Result<JpegPart, String> {
    let mut ask = Some(ask);
    let mut ask = |size| ask.take().map_or(Ok(()), |ask| ask(size));
    // A file that is as it should be fills every pixel. Where one is not, zune-jpeg may leave rows out, which must not keep the
    // pixels of another picture.
    let options = DecoderOptions::default().set_max_width(usize::MAX).set_max_height(usize::MAX);
    match decode_with(options.set_strict_mode(true), bytes, expected, pixels, &mut ask)? {
        Some(part) => Ok(part),
        None => {
            pixels.clear();
            let part = decode_with(options.set_strict_mode(false), bytes, expected, pixels, &mut ask)?;
            part.ok_or_else(|| corrupt("no picture"))
        }
    }
}

/// Decodes all rows; `None` where a strict decoder finds fault with the file. Pixels that are already there are written over.
fn decode_with(
    options: DecoderOptions,
    bytes: &[u8],
    expected: Option<[u32; 2]>,
    pixels: &mut Vec<u8>,
    ask: &mut impl FnMut([u32; 2]) -> Result<(), String>,
) -> Result<Option<JpegPart>, String> {
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let fault = |error: DecodeErrors| if options.strict_mode() { Ok(None) } else { Err(corrupt(&error.to_string())) };
    if let Err(error) = decoder.decode_headers() {
        return fault(error);
    }
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    let size = decoder.dimensions().map(|(width, height)| [side(height), side(width)]);
    let (Some(size), Some(colours)) = (size, decoder.input_colorspace()) else {
        return Err(corrupt("no frame"));
    };
    if expected.is_some_and(|expected| expected != size) {
        return Err(corrupt("several frames"));
    }
    ask(size)?;
    let (channels, colours) = match colours {
        ColorSpace::Luma => (Channels::Gray, ColorSpace::Luma),
        _ => (Channels::Rgb, ColorSpace::RGB),
    };
    decoder.set_options(options.jpeg_set_out_colorspace(colours));
    let [height, width] = size;
    pixels.resize(width as usize * height as usize * channels.count(), 0);
    match decoder.decode_into(pixels) {
        Ok(()) => Ok(Some(JpegPart { area: CropBox { top: 0, left: 0, height, width }, reduction: 1, channels })),
        Err(error) => fault(error),
    }
}

/// Where the height is written and a smaller one that still holds the rows, if there is any. One more row of blocks is kept,
/// because colours of lower resolution are interpolated across its border.
fn shorter(frame: Frame, rows: Range<u32>) -> Option<(Range<usize>, u16)> {
    let height = (rows.end.div_ceil(frame.block_height) + 1).checked_mul(frame.block_height)?;
    let height = u16::try_from(height).ok().filter(|&height| u32::from(height) < frame.height)?;
    Some((frame.height_at..frame.height_at + 2, height))
}
