//! What a predictor looks at.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use mvl_core::{DataError, Image, Preprocess};
use mvl_data::{InputTensor, preprocess, preprocess_encoded, preprocess_file};

/// One image, in whatever form it is at hand.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Input<'a> {
    /// A file.
    Path(&'a Path),
    /// An encoded image: JPEG, PNG, WebP or BMP.
    Bytes(&'a [u8]),
    /// A file, kept as long as the input.
    OwnedPath(PathBuf),
    /// An encoded image, kept as long as the input.
    OwnedBytes(Bytes),
    /// A decoded image.
    Image(Image),
}

impl Input<'_> {
    /// The image as a network takes it.
    pub(crate) fn prepare(self, spec: &Preprocess) -> Result<InputTensor, DataError> {
        const IN_MEMORY: &str = "image in memory";
        match self {
            Self::Path(path) => preprocess_file(spec, path),
            Self::OwnedPath(path) => preprocess_file(spec, &path),
            Self::Bytes(bytes) => preprocess_encoded(spec, bytes, IN_MEMORY),
            Self::OwnedBytes(bytes) => preprocess_encoded(spec, &bytes, IN_MEMORY),
            Self::Image(image) => preprocess(spec, image),
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

impl From<PathBuf> for Input<'_> {
    fn from(path: PathBuf) -> Self {
        Self::OwnedPath(path)
    }
}

impl From<Bytes> for Input<'_> {
    fn from(bytes: Bytes) -> Self {
        Self::OwnedBytes(bytes)
    }
}
