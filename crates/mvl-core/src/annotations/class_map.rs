//! A class for every pixel: semantic segmentation.

use super::MaskSizeError;

/// Class indices, `[height, width]`, row-major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassMap {
    width: u32,
    height: u32,
    classes: Vec<u16>,
}

impl ClassMap {
    /// The index of pixels that count for nothing, such as VOC's borders.
    pub const IGNORE: u16 = u16::MAX;

    /// Wraps indices that already have the right length.
    ///
    /// # Errors
    /// [`MaskSizeError`] when `classes.len()` is not `width * height`, or a side is zero or past
    /// [`MAX_SIDE_PX`](crate::MAX_SIDE_PX).
    pub fn new(width: u32, height: u32, classes: Vec<u16>) -> Result<Self, MaskSizeError> {
        MaskSizeError::check(width, height, classes.len() as u64)?;
        Ok(Self { width, height, classes })
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The indices, `[height, width]`.
    #[must_use]
    pub fn classes(&self) -> &[u16] {
        &self.classes
    }

    /// Gives the indices up.
    #[must_use]
    pub fn into_classes(self) -> Vec<u16> {
        self.classes
    }
}
