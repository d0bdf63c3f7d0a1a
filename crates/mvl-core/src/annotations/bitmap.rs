//! A mask with a byte a pixel.

use super::{BoxXyxy, MaskSizeError};

/// 1 inside and 0 outside, `[height, width]`, row-major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmap {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

impl Bitmap {
    /// Wraps pixels that already have the right length; everything but 0 counts as inside.
    ///
    /// # Errors
    /// [`MaskSizeError`] when `pixels.len()` is not `width * height`, or a side is zero or past
    /// [`MAX_SIDE_PX`](crate::MAX_SIDE_PX).
    pub fn new(width: u32, height: u32, mut pixels: Vec<u8>) -> Result<Self, MaskSizeError> {
        MaskSizeError::check(width, height, pixels.len() as u64)?;
        for pixel in &mut pixels {
            *pixel = u8::from(*pixel != 0);
        }
        Ok(Self { width, height, pixels })
    }

    /// A mask without a pixel.
    pub(super) fn empty(width: u32, height: u32) -> Result<Self, MaskSizeError> {
        MaskSizeError::check_sides(width, height)?;
        Ok(Self { width, height, pixels: vec![0; width as usize * height as usize] })
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

    /// For this module's painters, which write nothing but 0 and 1.
    pub(super) fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
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

    /// The smallest box around the pixels inside, as pycocotools' `toBbox` gives it; `None` when there are none.
    #[must_use]
    pub fn bbox(&self) -> Option<BoxXyxy> {
        let mut bounds: Option<[usize; 4]> = None;
        for (y, row) in self.pixels.chunks_exact(self.width as usize).enumerate() {
            let inside = |&pixel: &u8| pixel != 0;
            if let (Some(first), Some(last)) = (row.iter().position(inside), row.iter().rposition(inside)) {
                let [x1, y1, x2, _] = bounds.unwrap_or([first, y, last, y]);
                bounds = Some([x1.min(first), y1, x2.max(last), y]);
            }
        }
        bounds.map(|[x1, y1, x2, y2]| BoxXyxy::new(x1 as f64, y1 as f64, (x2 + 1) as f64, (y2 + 1) as f64))
    }
}
