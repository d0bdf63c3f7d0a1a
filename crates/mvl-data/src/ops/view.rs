//! Pixels that lie in somebody's memory: in an image, in a decoder's buffer, in a mapped file.

use mvl_core::{Channels, Image};

/// Pixels on loan, `[height, width, channels]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct View<'a> {
    /// As many as the sizes say.
    pub(crate) pixels: &'a [u8],
    /// Rows.
    pub(crate) height: u32,
    /// Columns.
    pub(crate) width: u32,
    /// What a pixel is made of.
    pub(crate) channels: Channels,
}

impl<'a> From<&'a Image> for View<'a> {
    fn from(image: &'a Image) -> Self {
        Self { pixels: image.pixels(), height: image.height(), width: image.width(), channels: image.channels() }
    }
}
