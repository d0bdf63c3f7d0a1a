//! Pixels as PNG.

use mvl_core::{Channels, Image};

/// A picture as the bytes of a PNG file.
///
/// # Errors
/// When it is larger than PNG allows.
pub(crate) fn png(image: &Image) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, image.width(), image.height());
    encoder.set_color(if image.channels() == Channels::Gray { png::ColorType::Grayscale } else { png::ColorType::Rgb });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(image.pixels())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_come_back() {
        for (channels, pixels) in [(Channels::Gray, vec![1, 2]), (Channels::Rgb, vec![1, 2, 3, 4, 5, 6])] {
            let image = Image::new(2, 1, channels, pixels.clone()).expect("two pixels");
            let bytes = png(&image).expect("small");
            let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("a PNG");
            let mut read = vec![0; reader.output_buffer_size().expect("small")];
            reader.next_frame(&mut read).expect("whole");
            assert_eq!(read, pixels);
        }
    }
}
