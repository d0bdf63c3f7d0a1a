//! Encoded bytes to pixels: JPEG, PNG, WebP and BMP, told apart by their content; and raw pixels in NPY, which shards hold.
//!
//! What comes out is what Pillow's `convert("RGB")` or `convert("L")` would give: alpha is dropped (not blended), 16-bit
//! channels keep their high byte, palettes become RGB, an EXIF orientation is left alone. Sizes are checked in the header,
//! before anything is decoded. A file that ends early is an error, never a half-grey picture.

mod image_size;
mod jpeg;
mod jpeg_outline;
#[cfg(feature = "turbojpeg")]
mod jpeg_turbo;
mod jpeg_zune;
mod scratch;
mod to_eight_bits;

use std::error::Error;
use std::fs::File;
use std::io::{Cursor, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

use image::{ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use mvl_core::{DataError, EncodedSample, Image, MAX_SIDE_PX, Record, Sample};

use crate::ops::{CropBox, Part, View};
use crate::place::Place;
use crate::shards::RawPixels;
pub(crate) use scratch::Scratch;

pub use image_size::image_size;
pub(crate) use image_size::image_size_of;

/// The largest picture that is decoded, in pixels.
pub const MAX_PIXELS: u64 = 128 * 1024 * 1024;
/// The largest encoded file that is read, in bytes.
pub const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;
/// File name extensions of the formats that [`decode`] knows, in lower case.
pub const IMAGE_EXTENSIONS: [&str; 5] = ["jpg", "jpeg", "png", "webp", "bmp"];

/// What the decoders may allocate: the largest picture with four channels of 16 bits, and as much again for their work.
const MAX_ALLOCATED_BYTES: u64 = 2 * 8 * MAX_PIXELS;
/// For messages.
const SUPPORTED: &str = "JPEG, PNG, WebP or BMP";

/// Decodes an image in memory; `source` is the name that an error will carry.
///
/// # Errors
/// [`DataError::Image`] when the bytes are of another format, end early, are corrupt, or hold a picture larger than
/// [`MAX_SIDE_PX`] a side or [`MAX_PIXELS`].
///
/// # Example
/// ```
/// # use mvl_data::{decode, encode_png};
/// use mvl_core::{Channels, Image};
/// let image = Image::new(2, 1, Channels::Gray, vec![7, 9])?;
/// assert_eq!(decode(&encode_png(&image), "memory")?, image);
/// let error = decode(b"GIF89a......", "cat.gif").expect_err("not supported");
/// assert_eq!(error.to_string(), "cannot decode image: GIF is not supported, expected JPEG, PNG, WebP or BMP; cat.gif");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn decode(bytes: &[u8], source: &str) -> Result<Image, DataError> {
    if let Some(raw) = RawPixels::recognise(bytes, source)? {
        return Ok(raw.to_image());
    }
    decode_checked(bytes).map_err(|what| DataError::Image { image: Arc::from(source), what })
}

/// Reads and decodes an image file; the extension plays no part.
///
/// # Errors
/// [`DataError::Io`] when the file cannot be read, and all errors of [`decode`].
///
/// # Example
/// ```
/// let error = mvl_data::decode_file("no/such.png").expect_err("no such file");
/// assert_eq!(error.to_string(), "cannot read no/such.png");
/// ```
pub fn decode_file(path: impl AsRef<Path>) -> Result<Image, DataError> {
    let path = path.as_ref();
    let name = path.display().to_string();
    let bytes = read_bounded(path, MAX_FILE_BYTES)?;
    decode(&bytes, &name)
}

/// The sample of a record.
///
/// # Errors
/// All errors of [`decode`]; [`DataError::Invalid`] for [`Record::Nothing`].
pub fn decode_record(record: Record) -> Result<Sample, DataError> {
    match record {
        Record::Encoded(encoded) => {
            let image = decode(&encoded.bytes, &encoded.source)?;
            let EncodedSample { annotations, source, .. } = Arc::unwrap_or_clone(encoded);
            let mut sample = Sample::new(image, source);
            sample.annotations = annotations;
            Ok(sample)
        }
        Record::Decoded(sample) => Ok(Arc::unwrap_or_clone(sample)),
        _ => Err(DataError::invalid("expected a record with an image in it, got nothing")),
    }
}

/// Whether a file name ends like an image that [`decode`] knows.
#[must_use]
pub fn has_image_extension(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| IMAGE_EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

/// The whole file or object, unless it is larger than `max_bytes`.
pub(crate) fn read_bounded(path: &Path, max_bytes: u64) -> Result<Vec<u8>, DataError> {
    match Place::of(path)? {
        Place::Disk(path) => read_file(&path, max_bytes),
        #[cfg(feature = "remote")]
        Place::Store(url) => Ok(mvl_store::read_object(url, max_bytes)?.into()),
    }
}

fn read_file(path: &Path, max_bytes: u64) -> Result<Vec<u8>, DataError> {
    let io = |source| DataError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    let len = file.metadata().map_err(io)?.len();
    let mut bytes = Vec::with_capacity(len.min(max_bytes) as usize + 1);
    file.take(max_bytes + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > max_bytes {
        let what = format!("expected a file of at most {} MiB, got {} MiB", max_bytes >> 20, len >> 20);
        return Err(DataError::Format { path: path.to_owned(), what });
    }
    Ok(bytes)
}

/// What is wanted of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// At least this part.
    pub(crate) area: CropBox,
    /// How many pixels may become one along each side, if the decoder can: 1, 2, 4 or 8.
    pub(crate) reduction: u32,
}

impl Wanted {
    /// All of a picture of this `[height, width]`.
    pub(crate) fn whole([height, width]: [u32; 2]) -> Self {
        Self { area: CropBox { top: 0, left: 0, height, width }, reduction: 1 }
    }
}

/// Decodes at least what is wanted of a picture, which is asked once its `[height, width]` is known. Damage outside of that part
/// may go unnoticed, but a file that ends early does not.
///
/// # Errors
/// All errors of [`decode`].
pub(crate) fn decode_part<'s>(
    bytes: &'s [u8],
    source: &str,
    scratch: &'s mut Scratch,
    want: impl FnOnce([u32; 2]) -> Wanted,
) -> Result<Part<'s>, DataError> {
    if let Some(raw) = RawPixels::recognise(bytes, source)? {
        let RawPixels { width, height, channels, pixels } = raw;
        want([height, width]);
        return Ok(View { pixels, height, width, channels }.into());
    }
    let error = |what| DataError::Image { image: Arc::from(source), what };
    match recognise(bytes).map_err(error)? {
        ImageFormat::Jpeg => jpeg::decode_part(bytes, scratch, want).map_err(error),
        format => {
            let image = decode_other(format, bytes).map_err(error)?;
            let (height, width, channels) = (image.height(), image.width(), image.channels());
            want([height, width]);
            scratch.pixels = image.into_pixels();
            Ok(View { pixels: &scratch.pixels, height, width, channels }.into())
        }
    }
}

/// The error is what is wrong.
fn decode_checked(bytes: &[u8]) -> Result<Image, String> {
    match recognise(bytes)? {
        ImageFormat::Jpeg => jpeg::decode_whole(bytes),
        format => decode_other(format, bytes),
    }
}

/// Every format but JPEG.
fn decode_other(format: ImageFormat, bytes: &[u8]) -> Result<Image, String> {
    if ends_early(format, bytes) {
        return Err(truncated(format));
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_ALLOCATED_BYTES);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(|error| explain(format, &error))?;
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    let color = decoder.color_type();
    let mut pixels = vec![0; decoder.total_bytes() as usize];
    decoder.read_image(&mut pixels).map_err(|error| explain(format, &error))?;
    to_eight_bits::to_eight_bits(width, height, color, pixels)
}

/// The format by its first bytes.
fn recognise(bytes: &[u8]) -> Result<ImageFormat, String> {
    if bytes.is_empty() {
        return Err("the file is empty".to_owned());
    }
    match image::guess_format(bytes) {
        Ok(format @ (ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP | ImageFormat::Bmp)) => Ok(format),
        Ok(format) => Err(format!("{} is not supported, expected {SUPPORTED}", name_of(format))),
        Err(_) => Err(format!("not an image, expected {SUPPORTED}")),
    }
}

/// Whether the container's own structure says that bytes are missing; the decoder of WebP would fill in grey.
fn ends_early(format: ImageFormat, bytes: &[u8]) -> bool {
    match format {
        ImageFormat::WebP => bytes
            .get(4..8)
            .and_then(|size| size.try_into().ok())
            .is_none_or(|size| (bytes.len() as u64) < u64::from(u32::from_le_bytes(size)) + 8),
        _ => false,
    }
}

fn check_size(width: u32, height: u32) -> Result<(), String> {
    if width == 0 || height == 0 {
        return Err(format!("expected at least one pixel, got {width}x{height}"));
    }
    if width > MAX_SIDE_PX || height > MAX_SIDE_PX {
        return Err(format!("expected sides of at most {MAX_SIDE_PX} pixels, got {width}x{height}"));
    }
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(format!("expected at most {} megapixels (2^20), got {width}x{height}", MAX_PIXELS >> 20));
    }
    Ok(())
}

fn truncated(format: ImageFormat) -> String {
    format!("the file ends early (truncated {})", name_of(format))
}

/// A decoder's error in our words, without the wrappers around it.
fn explain(format: ImageFormat, error: &ImageError) -> String {
    let mut innermost: &dyn Error = match error {
        ImageError::IoError(io) => io, // it does not name itself as the source
        other => other,
    };
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    match innermost.downcast_ref::<std::io::Error>() {
        Some(io) if io.kind() == ErrorKind::UnexpectedEof => truncated(format),
        _ => format!("corrupt {}: {}", name_of(format), innermost.to_string().trim_end_matches('.')),
    }
}

fn name_of(format: ImageFormat) -> String {
    match format {
        ImageFormat::WebP => "WebP".to_owned(),
        other => format!("{other:?}").to_uppercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_refused_before_decoding() {
        assert_eq!(check_size(16_384, 8_192), Ok(()));
        assert_eq!(check_size(16_385, 1), Err("expected sides of at most 16384 pixels, got 16385x1".to_owned()));
        assert_eq!(check_size(16_384, 8_193), Err("expected at most 128 megapixels (2^20), got 16384x8193".to_owned()));
    }

    #[test]
    fn a_header_that_promises_too_much_is_refused() {
        let mut bmp = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
        bmp.extend(60_000_i32.to_le_bytes());
        bmp.extend(60_000_i32.to_le_bytes());
        bmp.extend([1, 0, 24, 0]);
        bmp.extend([0; 24]);
        let error = decode(&bmp, "bomb.bmp").expect_err("3.6 gigapixels");
        assert_eq!(
            error.to_string(),
            "cannot decode image: expected sides of at most 16384 pixels, got 60000x60000; bomb.bmp"
        );
    }

    #[test]
    fn what_is_no_image_is_told_apart_from_what_is_not_supported() {
        let message = |bytes: &[u8]| decode(bytes, "x").expect_err("no image").to_string();
        assert_eq!(message(b""), "cannot decode image: the file is empty; x");
        assert_eq!(message(b"hello, world"), "cannot decode image: not an image, expected JPEG, PNG, WebP or BMP; x");
        assert_eq!(
            message(b"II*\0xxxxxxxx"),
            "cannot decode image: TIFF is not supported, expected JPEG, PNG, WebP or BMP; x"
        );
    }

    #[test]
    fn extensions_are_read_in_any_case() {
        assert!(has_image_extension(Path::new("a/B.JPeG")));
        assert!(!has_image_extension(Path::new("a/jpg")));
        assert!(!has_image_extension(Path::new("a/b.txt")));
    }
}
