//! The pixels of one object, in the form that its file had: polygons, COCO's run lengths, or a bitmap.

/// Which pixels are an object's.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Mask {
    /// Outlines; what lies in any of them belongs to the object.
    Polygons(Vec<Polygon>),
    /// COCO's run lengths.
    RunLengths(RunLengths),
    /// A byte a pixel.
    Bitmap(Bitmap),
}

/// The corners of an outline as (x, y) in pixels; the last joins the first.
pub type Polygon = Vec<[f64; 2]>;

/// COCO's uncompressed run lengths: alternately pixels outside and inside, column by column, beginning with outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunLengths {
    /// Width of the image in pixels.
    pub width: u32,
    /// Height of the image in pixels.
    pub height: u32,
    /// Lengths of the runs; they add up to `width * height`.
    pub counts: Vec<u32>,
}

/// 1 inside and 0 outside, `[height, width]`, row-major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmap {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

/// The values handed over do not fill the size that was claimed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} values for a mask of {width}x{height}, got {got}")]
pub struct MaskSizeError {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// `width * height`.
    pub expected: usize,
    /// The length that was given.
    pub got: usize,
}

impl MaskSizeError {
    pub(super) fn check(width: u32, height: u32, got: usize) -> Result<(), Self> {
        let expected = width as usize * height as usize;
        if expected == 0 || got != expected {
            return Err(Self { width, height, expected, got });
        }
        Ok(())
    }
}

impl Bitmap {
    /// Wraps pixels that already have the right length; everything but 0 counts as inside.
    ///
    /// # Errors
    /// [`MaskSizeError`] when `pixels.len()` is not `width * height`, or a side is zero.
    pub fn new(width: u32, height: u32, mut pixels: Vec<u8>) -> Result<Self, MaskSizeError> {
        MaskSizeError::check(width, height, pixels.len())?;
        for pixel in &mut pixels {
            *pixel = u8::from(*pixel != 0);
        }
        Ok(Self { width, height, pixels })
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

    /// 0 or 1 a pixel, `[height, width]`.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Gives the pixels up.
    #[must_use]
    pub fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    /// How many pixels are inside.
    #[must_use]
    pub fn area(&self) -> usize {
        self.pixels.iter().map(|&pixel| usize::from(pixel)).sum()
    }
}
