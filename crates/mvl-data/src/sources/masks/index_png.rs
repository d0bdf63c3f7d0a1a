//! Numbers a pixel out of PNG files: palette indices or grey levels, 1 to 16 bits, as they are in the file.
//!
//! Image decoders turn palette indices into colours and scale small grey levels up. Here index 15 stays 15.

use std::io::Cursor;

use mvl_core::MAX_SIDE_PX;
use png::{BitDepth, ColorType, Decoder, Encoder, Limits};

use crate::decode::MAX_PIXELS;

/// What the decoder may allocate beside the pixels.
const MAX_ALLOCATED_BYTES: usize = 64 << 20;

/// Set aside for a header's claim before its pixels have come.
const TRUSTED_PIXELS: u64 = 1 << 20;

/// A number a pixel, `[height, width]`, row-major.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndexImage {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The numbers.
    pub indices: Vec<u16>,
}

/// Reads the palette indices or grey levels of a PNG file.
///
/// # Errors
/// What is wrong: not a PNG file, a colour picture, too large, damaged or cut off.
///
/// # Example
/// ```
/// use mvl_data::{IndexImage, read_index_png, write_index_png};
/// let image = IndexImage { width: 2, height: 1, indices: vec![0, 300] };
/// assert_eq!(read_index_png(&write_index_png(&image)?)?, image);
/// # Ok::<(), String>(())
/// ```
pub fn read_index_png(bytes: &[u8]) -> Result<IndexImage, String> {
    let damaged = |error: png::DecodingError| format!("cannot read the mask: {error}");
    let decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MAX_ALLOCATED_BYTES });
    let mut reader = decoder.read_info().map_err(damaged)?;
    let (width, height) = reader.info().size();
    let (color, depth) = (reader.info().color_type, reader.info().bit_depth);
    if !matches!(color, ColorType::Indexed | ColorType::Grayscale) {
        return Err(format!("expected a mask with a palette or in grey, got {color:?}"));
    }
    let pixels = u64::from(width) * u64::from(height);
    if width == 0 || height == 0 || width.max(height) > MAX_SIDE_PX || pixels > MAX_PIXELS {
        return Err(format!("expected a mask with sides of 1 to {MAX_SIDE_PX} pixels, got {width}x{height}"));
    }
    let mut indices = Vec::with_capacity(pixels.min(TRUSTED_PIXELS) as usize);
    let mut rows = 0;
    // Interlaced files come in passes: only whole frames put them in order.
    if reader.info().interlaced {
        let size = reader.output_buffer_size().ok_or("expected a smaller mask")?;
        let mut frame = vec![0; size];
        reader.next_frame(&mut frame).map_err(damaged)?;
        let line = reader.output_line_size(width).ok_or("expected a smaller mask")?;
        for row in frame.chunks_exact(line) {
            unpack(row, depth, width as usize, &mut indices);
            rows += 1;
        }
    } else {
        while let Some(row) = reader.next_row().map_err(damaged)? {
            unpack(row.data(), depth, width as usize, &mut indices);
            rows += 1;
        }
    }
    if rows != height || indices.len() as u64 != pixels {
        return Err(format!("the mask ends early: expected {height} rows, got {rows}"));
    }
    Ok(IndexImage { width, height, indices })
}

/// Appends the numbers of a row.
fn unpack(row: &[u8], depth: BitDepth, width: usize, indices: &mut Vec<u16>) {
    match depth {
        BitDepth::Sixteen => {
            indices.extend(row.as_chunks::<2>().0.iter().take(width).map(|pair| u16::from_be_bytes(*pair)))
        }
        BitDepth::Eight => indices.extend(row.iter().take(width).map(|&index| u16::from(index))),
        _ => {
            let bits = depth as usize;
            let mask = (1_u8 << bits) - 1;
            let number = |place: usize| {
                let byte = row.get(place * bits / 8).copied().unwrap_or_default();
                u16::from(byte >> (8 - bits - place * bits % 8) & mask)
            };
            indices.extend((0..width).map(number));
        }
    }
}

/// A grey PNG file with these numbers: 8 bits where they fit, else 16.
///
/// # Errors
/// What is wrong, when the numbers do not fill the size.
pub fn write_index_png(image: &IndexImage) -> Result<Vec<u8>, String> {
    let IndexImage { width, height, indices } = image;
    let expected = u64::from(*width) * u64::from(*height);
    if expected == 0 || indices.len() as u64 != expected {
        return Err(format!("expected {expected} numbers for a mask of {width}x{height}, got {}", indices.len()));
    }
    let narrow: Option<Vec<u8>> = indices.iter().map(|&index| u8::try_from(index).ok()).collect();
    let (depth, data) = match narrow {
        Some(data) => (BitDepth::Eight, data),
        None => (BitDepth::Sixteen, indices.iter().flat_map(|index| index.to_be_bytes()).collect()),
    };
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, *width, *height);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(depth);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&data));
    written.map_err(|error| format!("cannot write the mask: {error}"))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(color: ColorType, depth: BitDepth, width: u32, data: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, width, 1);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if color == ColorType::Indexed {
            encoder.set_palette(vec![9; 48]);
        }
        encoder.write_header().expect("a header").write_image_data(data).expect("one row");
        file
    }

    #[test]
    fn numbers_stay_as_they_are() {
        let read =
            |color, depth, width, data: &[u8]| read_index_png(&encoded(color, depth, width, data)).map(|i| i.indices);
        assert_eq!(read(ColorType::Indexed, BitDepth::Four, 3, &[0x1F, 0x70]), Ok(vec![1, 15, 7]));
        assert_eq!(read(ColorType::Indexed, BitDepth::Eight, 2, &[3, 15]), Ok(vec![3, 15]));
        assert_eq!(read(ColorType::Grayscale, BitDepth::One, 9, &[0x81, 0x80]), Ok(vec![1, 0, 0, 0, 0, 0, 0, 1, 1]));
        assert_eq!(read(ColorType::Grayscale, BitDepth::Sixteen, 1, &[1, 2]), Ok(vec![258]));
        assert_eq!(
            read(ColorType::Rgb, BitDepth::Eight, 1, &[1, 2, 3]),
            Err("expected a mask with a palette or in grey, got Rgb".to_owned())
        );
    }

    #[test]
    fn damaged_files_are_refused() {
        let whole =
            write_index_png(&IndexImage { width: 64, height: 64, indices: (0..4096).collect() }).expect("it fits");
        for end in 0..whole.len() - 13 {
            assert!(read_index_png(&whole[..end]).is_err(), "{end} bytes");
        }
        assert!(write_index_png(&IndexImage { width: 2, height: 2, indices: vec![0; 3] }).is_err());
    }
}
