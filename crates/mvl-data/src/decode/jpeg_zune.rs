//! JPEG through zune-jpeg, which is written in Rust.
//!
//! It decodes all columns, from the top on. What lies below the part that is needed is left out where a file is coded from top to
//! bottom in one scan: it is decoded as if its header told a smaller height.

use std::ops::Range;

use mvl_core::Channels;
use zune_jpeg::JpegDecoder;
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
    let header = Header::read(bytes)?;
    let wanted = want([header.height, header.width])?;
    let shorter = outline.baseline.filter(|_| outline.scans == 1).and_then(|frame| shorter(frame, wanted.area.rows()));
    let Scratch { pixels, file, .. } = scratch;
    let (bytes, height) = match shorter {
        Some((at, height)) => {
            file.clear();
            file.extend_from_slice(bytes);
            file[at].copy_from_slice(&height.to_be_bytes());
            (&file[..], u32::from(height))
        }
        None => (bytes, header.height),
    };
    let channels = if header.colours == ColorSpace::Luma { Channels::Gray } else { Channels::Rgb };
    let colours = if channels == Channels::Gray { ColorSpace::Luma } else { ColorSpace::RGB };
    let options = options().jpeg_set_out_colorspace(colours);
    // A damaged file may leave rows out, which must not keep the pixels of another picture.
    pixels.clear();
    pixels.resize(header.width as usize * height as usize * channels.count(), 0);
    JpegDecoder::new_with_options(ZCursor::new(bytes), options)
        .decode_into(pixels)
        .map_err(|error| corrupt(&error.to_string()))?;
    let area = CropBox { top: 0, left: 0, height, width: header.width };
    Ok(JpegPart { area, reduction: 1, channels })
}

fn options() -> DecoderOptions {
    DecoderOptions::default().set_strict_mode(false).set_max_width(usize::MAX).set_max_height(usize::MAX)
}

struct Header {
    width: u32,
    height: u32,
    colours: ColorSpace,
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options());
        decoder.decode_headers().map_err(|error| corrupt(&error.to_string()))?;
        let missing = || corrupt("no frame");
        let (width, height) = decoder.dimensions().ok_or_else(missing)?;
        let colours = decoder.input_colorspace().ok_or_else(missing)?;
        let side = |side: usize| u32::try_from(side).map_err(|_| missing());
        Ok(Self { width: side(width)?, height: side(height)?, colours })
    }
}

/// Where the height is written and a smaller one that still holds the rows, if there is any. One more row of blocks is kept,
/// because colours of lower resolution are interpolated across its border.
fn shorter(frame: Frame, rows: Range<u32>) -> Option<(Range<usize>, u16)> {
    let height = (rows.end.div_ceil(frame.block_height) + 1).checked_mul(frame.block_height)?;
    let height = u16::try_from(height).ok().filter(|&height| u32::from(height) < frame.height)?;
    Some((frame.height_at..frame.height_at + 2, height))
}
