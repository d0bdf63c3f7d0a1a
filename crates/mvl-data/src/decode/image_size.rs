//! How large a picture is, from its header alone.

use std::io::Cursor;
use std::sync::Arc;

use image::ImageReader;
use mvl_core::DataError;

use super::{check_size, explain, recognise};
use crate::shards::RawPixels;

/// The `[height, width]` of an image in memory, without decoding it; `source` is the name that an error will carry.
///
/// # Errors
/// [`DataError::Image`] when the bytes are of another format, the header is corrupt, or the picture is larger than
/// [`decode`](super::decode) takes.
///
/// # Example
/// ```
/// use mvl_core::{Channels, Image};
/// let file = mvl_data::encode_png(&Image::new(2, 1, Channels::Gray, vec![7, 9])?);
/// assert_eq!(mvl_data::image_size(&file, "memory")?, [1, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn image_size(bytes: &[u8], source: &str) -> Result<[u32; 2], DataError> {
    if let Some(raw) = RawPixels::recognise(bytes, source)? {
        return Ok([raw.height, raw.width]);
    }
    read_header(bytes).map_err(|what| DataError::Image { image: Arc::from(source), what })
}

fn read_header(bytes: &[u8]) -> Result<[u32; 2], String> {
    let format = recognise(bytes)?;
    let reader = ImageReader::with_format(Cursor::new(bytes), format);
    let (width, height) = reader.into_dimensions().map_err(|error| explain(format, &error))?;
    check_size(width, height)?;
    Ok([height, width])
}
