//! What is wrong with the size of a mask or class map.

use crate::MAX_SIDE_PX;

/// The values handed over do not fill the size that was claimed, or that size is out of bounds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MaskSizeError {
    /// Too few or too many values.
    #[error("expected {expected} values for a mask of {width}x{height}, got {got}")]
    Count {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// `width * height`.
        expected: u64,
        /// How many there are.
        got: u64,
    },
    /// No image has this size.
    #[error("expected a mask with sides of 1 to {MAX_SIDE_PX} pixels, got {width}x{height}")]
    Side {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The mask is of another image.
    #[error("expected a mask of {}x{}, got {}x{}", expected[0], expected[1], got[0], got[1])]
    Differs {
        /// Width and height of the image in pixels.
        expected: [u32; 2],
        /// Width and height of the mask in pixels.
        got: [u32; 2],
    },
}

impl MaskSizeError {
    /// Both sides must be those of an image.
    pub(super) fn check_sides(width: u32, height: u32) -> Result<(), Self> {
        let sides = 1..=MAX_SIDE_PX;
        if sides.contains(&width) && sides.contains(&height) { Ok(()) } else { Err(Self::Side { width, height }) }
    }

    /// The sides must be those of an image, and there must be as many values as pixels.
    pub(super) fn check(width: u32, height: u32, got: u64) -> Result<(), Self> {
        Self::check_sides(width, height)?;
        let expected = u64::from(width) * u64::from(height);
        if got == expected { Ok(()) } else { Err(Self::Count { width, height, expected, got }) }
    }

    /// The mask must be of the image's size.
    pub(super) fn check_equal(expected: [u32; 2], got: [u32; 2]) -> Result<(), Self> {
        if expected == got { Ok(()) } else { Err(Self::Differs { expected, got }) }
    }
}
