//! What a predictor looks at.

use std::path::{Path, PathBuf};

use mvl_core::{DataError, Image};

/// One image, in whatever form it is at hand.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Input<'a> {
    /// A file.
    Path(&'a Path),
    /// An encoded image: JPEG, PNG, WebP or BMP.
    Bytes(&'a [u8]),
    /// A decoded image.
    Image(Image),
}

impl Input<'_> {
    /// The pixels.
    pub(crate) fn into_image(self) -> Result<Image, DataError> {
        match self {
            Self::Path(path) => mvl_data::decode_file(path),
            Self::Bytes(bytes) => mvl_data::decode(bytes, "image in memory"),
            Self::Image(image) => Ok(image),
        }
    }
}

impl<'a> From<&'a Path> for Input<'a> {
    fn from(path: &'a Path) -> Self {
        Self::Path(path)
    }
}

impl<'a> From<&'a PathBuf> for Input<'a> {
    fn from(path: &'a PathBuf) -> Self {
        Self::Path(path)
    }
}

impl<'a> From<&'a String> for Input<'a> {
    fn from(path: &'a String) -> Self {
        Self::Path(path.as_ref())
    }
}

impl<'a> From<&'a str> for Input<'a> {
    fn from(path: &'a str) -> Self {
        Self::Path(path.as_ref())
    }
}

impl<'a> From<&'a [u8]> for Input<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Image> for Input<'_> {
    fn from(image: Image) -> Self {
        Self::Image(image)
    }
}
