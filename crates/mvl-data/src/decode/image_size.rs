//! How large a picture is, from its header alone.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Seek};
use std::path::Path;
use std::sync::Arc;

use image::{ImageFormat, ImageReader};
use mvl_core::DataError;

use super::{check_size, explain, recognise};
use crate::place::Place;
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

/// The `[height, width]` of an image file; of one on a disk only the header is read.
pub(crate) fn image_size_of(path: &Path) -> Result<[u32; 2], DataError> {
    let name = path.to_string_lossy();
    match Place::of(path)? {
        Place::Disk(path) => {
            let io = |source| DataError::Io { path: path.clone(), source };
            let mut file = BufReader::new(File::open(&path).map_err(io)?);
            let format = recognise(file.fill_buf().map_err(io)?);
            let size = format.and_then(|format| read_size(format, file));
            size.map_err(|what| DataError::Image { image: Arc::from(&*name), what })
        }
        #[cfg(feature = "remote")]
        Place::Store(_) => image_size(&super::read_bounded(path, super::MAX_FILE_BYTES)?, &name),
    }
}

fn read_header(bytes: &[u8]) -> Result<[u32; 2], String> {
    read_size(recognise(bytes)?, Cursor::new(bytes))
}

fn read_size(format: ImageFormat, file: impl BufRead + Seek) -> Result<[u32; 2], String> {
    let reader = ImageReader::with_format(file, format);
    let (width, height) = reader.into_dimensions().map_err(|error| explain(format, &error))?;
    check_size(width, height)?;
    Ok([height, width])
}
