//! The pixels of one object, in the form that its file had: polygons, COCO's run lengths, or a bitmap.

use super::{Bitmap, BoxXyxy, MaskSizeError, Polygon, RunLengths, rasterise};

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

impl Mask {
    /// The mask as pixels of an image of this size: polygons by [`rasterise`], the other forms as they are.
    ///
    /// # Errors
    /// [`MaskSizeError`] when a side is zero or past [`MAX_SIDE_PX`](crate::MAX_SIDE_PX), when run lengths or a bitmap are of
    /// another size, or when run lengths do not add up.
    ///
    /// # Example
    /// ```
    /// use mvl_core::Mask;
    /// let square = Mask::Polygons(vec![vec![[1.0, 0.0], [3.0, 0.0], [3.0, 2.0], [1.0, 2.0]]]);
    /// assert_eq!(square.to_bitmap(4, 2)?.pixels(), [0, 1, 1, 0, 0, 1, 1, 0]);
    /// # Ok::<(), mvl_core::MaskSizeError>(())
    /// ```
    pub fn to_bitmap(&self, width: u32, height: u32) -> Result<Bitmap, MaskSizeError> {
        let agree = |got| MaskSizeError::check_equal([width, height], got);
        match self {
            Self::Polygons(polygons) => rasterise(polygons, width, height),
            Self::RunLengths(runs) => agree([runs.width, runs.height]).and_then(|()| runs.to_bitmap()),
            Self::Bitmap(bitmap) => agree([bitmap.width(), bitmap.height()]).map(|()| bitmap.clone()),
        }
    }

    /// The mask as run lengths of an image of this size.
    ///
    /// # Errors
    /// All errors of [`Self::to_bitmap`].
    pub fn to_run_lengths(&self, width: u32, height: u32) -> Result<RunLengths, MaskSizeError> {
        match self {
            Self::RunLengths(runs) => {
                MaskSizeError::check_equal([width, height], [runs.width, runs.height])?;
                runs.check()?;
                Ok(runs.clone())
            }
            Self::Bitmap(bitmap) => {
                MaskSizeError::check_equal([width, height], [bitmap.width(), bitmap.height()])?;
                Ok(RunLengths::from_bitmap(bitmap))
            }
            Self::Polygons(polygons) => Ok(RunLengths::from_bitmap(&rasterise(polygons, width, height)?)),
        }
    }

    /// The smallest box around the mask's pixels in an image of this size; `None` when there are none.
    ///
    /// # Errors
    /// All errors of [`Self::to_bitmap`].
    pub fn bbox(&self, width: u32, height: u32) -> Result<Option<BoxXyxy>, MaskSizeError> {
        match self {
            Self::Bitmap(bitmap) => {
                MaskSizeError::check_equal([width, height], [bitmap.width(), bitmap.height()])?;
                Ok(bitmap.bbox())
            }
            _ => Ok(self.to_bitmap(width, height)?.bbox()),
        }
    }
}
