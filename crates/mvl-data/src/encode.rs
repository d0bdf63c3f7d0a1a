//! Pixels to PNG or JPEG, in memory or in a file that is either whole or not there.

use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use mvl_core::{Channels, DataError, Image, write_atomically};

/// The image as a PNG file's bytes.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// let png = mvl_data::encode_png(&Image::new(1, 1, Channels::Rgb, vec![1, 2, 3])?);
/// assert_eq!(&png[1..4], b"PNG");
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn encode_png(image: &Image) -> Vec<u8> {
    let mut png = Vec::new();
    PngEncoder::new(&mut png)
        .write_image(image.pixels(), image.width(), image.height(), color_type(image))
        .expect("an image's pixels fill its size, and memory takes every write");
    png
}

/// The image as a JPEG file's bytes; `quality` is 1 to 100.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// let jpeg = mvl_data::encode_jpeg(&Image::new(1, 1, Channels::Rgb, vec![1, 2, 3])?, 90);
/// assert_eq!(&jpeg[..2], b"\xFF\xD8");
/// # Ok::<(), mvl_core::ImageSizeError>(())
/// ```
#[must_use]
pub fn encode_jpeg(image: &Image, quality: u8) -> Vec<u8> {
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, quality.clamp(1, 100))
        .write_image(image.pixels(), image.width(), image.height(), color_type(image))
        .expect("an image's pixels fill its size, a JPEG holds that size, and memory takes every write");
    jpeg
}

fn color_type(image: &Image) -> ExtendedColorType {
    match image.channels() {
        Channels::Gray => ExtendedColorType::L8,
        _ => ExtendedColorType::Rgb8,
    }
}

/// Writes a PNG file; whoever reads the path sees the old file or the whole new one.
///
/// # Errors
/// [`DataError::Other`] with the system's reason when the folder cannot be made or written.
pub fn write_png(image: &Image, path: impl AsRef<Path>) -> Result<(), DataError> {
    let path = path.as_ref();
    write_atomically(path, |out| out.write_all(&encode_png(image))).map_err(|source| DataError::Other {
        what: format!("cannot write {}", path.display()),
        source: Box::new(source),
    })
}
