//! A decoder's pixels to one or three channels of 8 bits.

use image::ColorType;
use mvl_core::{Channels, Image};

/// Drops alpha and low bytes, in place.
pub(super) fn to_eight_bits(width: u32, height: u32, color: ColorType, pixels: Vec<u8>) -> Result<Image, String> {
    let (channels, pixels) = match color {
        ColorType::L8 => (Channels::Gray, pixels),
        ColorType::Rgb8 => (Channels::Rgb, pixels),
        ColorType::La8 => (Channels::Gray, keep::<1>(pixels, 2)),
        ColorType::Rgba8 => (Channels::Rgb, keep::<3>(pixels, 4)),
        ColorType::L16 => (Channels::Gray, high_bytes(pixels)),
        ColorType::Rgb16 => (Channels::Rgb, high_bytes(pixels)),
        ColorType::La16 => (Channels::Gray, keep::<1>(high_bytes(pixels), 2)),
        ColorType::Rgba16 => (Channels::Rgb, keep::<3>(high_bytes(pixels), 4)),
        other => return Err(format!("pixels of type {other:?} are not supported")),
    };
    Image::new(width, height, channels, pixels).map_err(|error| error.to_string())
}

/// The first `KEPT` of every `stride` bytes.
fn keep<const KEPT: usize>(mut pixels: Vec<u8>, stride: usize) -> Vec<u8> {
    let count = pixels.len() / stride;
    for pixel in 0..count {
        pixels.copy_within(pixel * stride..pixel * stride + KEPT, pixel * KEPT);
    }
    pixels.truncate(count * KEPT);
    pixels
}

/// The high byte of every number of 16 bits, which are in this machine's order.
fn high_bytes(mut pixels: Vec<u8>) -> Vec<u8> {
    let high = if cfg!(target_endian = "little") { 1 } else { 0 };
    let count = pixels.len() / 2;
    for number in 0..count {
        pixels[number] = pixels[2 * number + high];
    }
    pixels.truncate(count);
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn native(numbers: &[u16]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_ne_bytes()).collect()
    }

    #[test]
    fn alpha_and_low_bytes_are_dropped() {
        let cases = [
            ("grey + alpha", ColorType::La8, vec![1, 0, 2, 255], vec![1, 2]),
            ("RGB + alpha", ColorType::Rgba8, vec![1, 2, 3, 0, 4, 5, 6, 9], vec![1, 2, 3, 4, 5, 6]),
            ("16-bit grey", ColorType::L16, native(&[0x12FF, 0xFF00]), vec![0x12, 0xFF]),
            ("16-bit grey + alpha", ColorType::La16, native(&[0x1200, 7, 0x3400, 8]), vec![0x12, 0x34]),
            ("16-bit RGB", ColorType::Rgb16, native(&[256; 6]), vec![1; 6]),
            ("16-bit RGB + alpha", ColorType::Rgba16, native(&[0x300; 8]), vec![3; 6]),
        ];
        for (name, color, pixels, expected) in cases {
            let image = to_eight_bits(2, 1, color, pixels).expect(name);
            assert_eq!(image.pixels(), expected, "{name}");
        }
    }
}
