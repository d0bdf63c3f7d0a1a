//! COCO's run lengths, and what can be told from them without painting.

use super::{Bitmap, BoxXyxy, MaskSizeError};

/// COCO's uncompressed run lengths: alternately pixels outside and inside, column by column, beginning with outside.
///
/// The fields may hold anything; every method checks them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunLengths {
    /// Width of the image in pixels.
    pub width: u32,
    /// Height of the image in pixels.
    pub height: u32,
    /// Lengths of the runs; they add up to `width * height`.
    pub counts: Vec<u32>,
}

impl RunLengths {
    /// The runs of a bitmap.
    #[must_use]
    pub fn from_bitmap(bitmap: &Bitmap) -> Self {
        let (width, height) = (bitmap.width() as usize, bitmap.height() as usize);
        let pixels = bitmap.pixels();
        let (mut counts, mut run, mut inside) = (Vec::new(), 0, 0);
        for x in 0..width {
            for y in 0..height {
                let pixel = pixels[y * width + x];
                if pixel != inside {
                    counts.push(run);
                    (run, inside) = (0, pixel);
                }
                run += 1;
            }
        }
        counts.push(run);
        Self { width: bitmap.width(), height: bitmap.height(), counts }
    }

    /// The runs as pixels.
    ///
    /// # Errors
    /// All errors of [`Self::check`].
    pub fn to_bitmap(&self) -> Result<Bitmap, MaskSizeError> {
        self.check()?;
        let mut bitmap = Bitmap::empty(self.width, self.height)?;
        let (width, pixels) = (self.width as usize, bitmap.pixels_mut());
        for (x, rows) in self.column_parts() {
            for y in rows {
                pixels[y as usize * width + x as usize] = 1;
            }
        }
        Ok(bitmap)
    }

    /// Whether the size is that of an image, and the runs fill it.
    ///
    /// # Errors
    /// [`MaskSizeError`] otherwise.
    pub fn check(&self) -> Result<(), MaskSizeError> {
        let sum = self.counts.iter().fold(0_u64, |sum, &count| sum.saturating_add(u64::from(count)));
        MaskSizeError::check(self.width, self.height, sum)
    }

    /// How many pixels are inside.
    #[must_use]
    pub fn area(&self) -> u64 {
        self.counts.iter().skip(1).step_by(2).fold(0, |sum, &count| sum.saturating_add(u64::from(count)))
    }

    /// The smallest box around the pixels inside, as pycocotools' `toBbox` gives it; `None` when there are none.
    ///
    /// # Errors
    /// All errors of [`Self::check`].
    pub fn bbox(&self) -> Result<Option<BoxXyxy>, MaskSizeError> {
        self.check()?;
        let parts = self.column_parts();
        let corners = parts
            .flat_map(|(x, rows)| [[f64::from(x), f64::from(rows.start)], [f64::from(x + 1), f64::from(rows.end)]]);
        Ok(BoxXyxy::around(corners))
    }

    /// The runs inside, cut where a column ends: `(x, rows)`. Only for runs that were checked.
    fn column_parts(&self) -> impl Iterator<Item = (u32, std::ops::Range<u32>)> + '_ {
        let height = u64::from(self.height);
        let mut place = 0_u64;
        let runs = self.counts.iter().enumerate().map(move |(index, &count)| {
            let start = place;
            place += u64::from(count);
            if index % 2 == 1 { start..place } else { start..start }
        });
        runs.flat_map(move |run| {
            let columns = if run.is_empty() { 0..0 } else { run.start / height..(run.end - 1) / height + 1 };
            columns.map(move |x| {
                let top = x * height;
                let rows = run.start.max(top) - top..run.end.min(top + height) - top;
                (x as u32, rows.start as u32..rows.end as u32)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(width: u32, height: u32, counts: &[u32]) -> RunLengths {
        RunLengths { width, height, counts: counts.to_vec() }
    }

    #[test]
    fn columns_come_first() {
        let runs = runs(3, 2, &[1, 3, 2]);
        let bitmap = runs.to_bitmap().expect("six pixels");
        assert_eq!(bitmap.pixels(), [0, 1, 0, 1, 1, 0]);
        assert_eq!(RunLengths::from_bitmap(&bitmap), runs);
        let around = Some(BoxXyxy::new(0.0, 0.0, 2.0, 2.0));
        assert_eq!((runs.area(), bitmap.area(), runs.bbox(), bitmap.bbox()), (3, 3, Ok(around), around));
    }

    #[test]
    fn empty_runs_are_nothing() {
        let runs = runs(2, 2, &[0, 0, 3, 0, 1]);
        assert_eq!((runs.area(), runs.bbox()), (0, Ok(None)));
        assert_eq!(runs.to_bitmap().expect("four pixels").pixels(), [0; 4]);
    }

    #[test]
    fn what_does_not_add_up_is_refused() {
        let count = |got| MaskSizeError::Count { width: 2, height: 2, expected: 4, got };
        assert_eq!(runs(2, 2, &[1, 2]).to_bitmap(), Err(count(3)));
        assert_eq!(runs(2, 2, &[u32::MAX, u32::MAX]).bbox(), Err(count(2 * u64::from(u32::MAX))));
        let side = MaskSizeError::Side { width: u32::MAX, height: 1 };
        assert_eq!(runs(u32::MAX, 1, &[u32::MAX]).to_bitmap(), Err(side));
        assert!(runs(0, 0, &[]).to_bitmap().is_err());
    }
}
