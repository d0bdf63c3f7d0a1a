//! Outlines to pixels, with the very pixels that pycocotools gives.
//!
//! # Source
//! `rleFrPoly` in cocoapi's `common/maskApi.c` (Dollár and Lin, 2014), <https://github.com/cocodataset/cocoapi>. It walks every edge
//! on a grid of a fifth of a pixel, notes where the walk crosses the middle of a column of pixels, and fills between pairs of
//! crossings. Here the crossings are computed column by column instead of walked to, with the same arithmetic, so an edge costs
//! no more than the image is wide, however long it is; and they are marks in the picture that a running exclusive or fills, instead of
//! a sorted list. Several outlines are united, as `rleMerge` does.

use super::{Bitmap, MaskSizeError};

/// The corners of an outline as (x, y) in pixels; the last joins the first.
pub type Polygon = Vec<[f64; 2]>;

/// Grid steps a pixel.
const SCALE: f64 = 5.0;
const STEPS: i64 = 5;
/// A column's middle lies between this grid line and the next.
const MIDDLE: i64 = 2;
/// Grid coordinates are kept within this, which is where C's `int` ends.
const MAX_GRID: i64 = i32::MAX as i64;

/// The pixels of an image of this size that lie in any of the outlines.
///
/// Coordinates that are not numbers count as 0; those past ±2²⁸ pixels are moved there. An outline of fewer than three corners
/// has no pixels.
///
/// # Errors
/// [`MaskSizeError`] when a side is zero or past [`MAX_SIDE_PX`](crate::MAX_SIDE_PX).
pub fn rasterise(polygons: &[Polygon], width: u32, height: u32) -> Result<Bitmap, MaskSizeError> {
    let mut bitmap = Bitmap::empty(width, height)?;
    let mut canvas = Canvas::new(width as usize, height as usize);
    if let [only] = polygons {
        canvas.mark(only, bitmap.pixels_mut());
        canvas.fill(bitmap.pixels_mut(), |_, _| {});
    } else if !polygons.is_empty() {
        let mut marks = vec![0; bitmap.pixels().len()];
        for polygon in polygons {
            canvas.mark(polygon, &mut marks);
            let united = bitmap.pixels_mut();
            canvas.fill(&mut marks, |place, inside| united[place] |= inside);
            canvas.clear(&mut marks);
        }
    }
    Ok(bitmap)
}

/// The picture's size, and which columns and rows hold marks of the present outline.
struct Canvas {
    width: usize,
    height: usize,
    columns: std::ops::Range<usize>,
    first_row: usize,
}

impl Canvas {
    fn new(width: usize, height: usize) -> Self {
        Self { width, height, columns: width..0, first_row: height }
    }

    /// Toggles a mark at every pixel where a column enters or leaves the outline.
    fn mark(&mut self, polygon: &Polygon, marks: &mut [u8]) {
        (self.columns, self.first_row) = (self.width..0, self.height);
        let mut from = match polygon.last() {
            Some(last) => on_grid(*last),
            None => return,
        };
        for corner in polygon {
            let to = on_grid(*corner);
            crossings(from, to, self.width, |column, v| {
                let row = row_below(v, self.height);
                self.columns = self.columns.start.min(column)..self.columns.end.max(column + 1);
                self.first_row = self.first_row.min(row);
                if row < self.height {
                    marks[row * self.width + column] ^= 1;
                }
            });
            from = to;
        }
    }

    /// Turns marks into insides, row by row, and shows each.
    fn fill(&self, marks: &mut [u8], mut see: impl FnMut(usize, u8)) {
        if self.columns.is_empty() {
            return;
        }
        for row in self.first_row..self.height {
            let (above, below) = marks.split_at_mut(row * self.width);
            let here = &mut below[self.columns.clone()];
            if row > self.first_row {
                let above = &above[(row - 1) * self.width..][self.columns.clone()];
                here.iter_mut().zip(above).for_each(|(here, above)| *here ^= above);
            }
            let start = row * self.width + self.columns.start;
            here.iter().enumerate().for_each(|(place, &inside)| see(start + place, inside));
        }
    }

    /// Empties what [`Self::mark`] and [`Self::fill`] touched.
    fn clear(&self, marks: &mut [u8]) {
        if !self.columns.is_empty() {
            for row in self.first_row..self.height {
                marks[row * self.width..][self.columns.clone()].fill(0);
            }
        }
    }
}

/// The nearest grid point, as C's cast rounds: towards zero after adding a half.
fn on_grid(corner: [f64; 2]) -> [i64; 2] {
    corner.map(|pixels| ((SCALE * pixels + 0.5) as i64).clamp(-MAX_GRID, MAX_GRID))
}

/// The first row whose middle lies below grid line `v`, at most the height.
fn row_below(v: i64, height: usize) -> usize {
    let row = ((v as f64 + 0.5) / SCALE - 0.5).clamp(0.0, height as f64);
    row.ceil() as usize
}

/// Calls `found(column, v)` for each column whose middle the edge crosses, with the upper grid line of the crossing.
fn crossings(from: [i64; 2], to: [i64; 2], width: usize, mut found: impl FnMut(usize, i64)) {
    let (dx, dy) = ((from[0] - to[0]).abs(), (from[1] - to[1]).abs());
    let flat = dx >= dy;
    let swapped = if flat { from[0] > to[0] } else { from[1] > to[1] };
    let ([xs, ys], [xe, ye]) = if swapped { (to, from) } else { (from, to) };
    let columns = columns_between(xs.min(xe), xs.max(xe), width);
    if flat {
        let slope = (ye - ys) as f64 / dx as f64;
        let v = |t: i64| (ys as f64 + slope * t as f64 + 0.5) as i64;
        for column in columns {
            let before = STEPS * column as i64 + MIDDLE - xs;
            found(column, v(before).min(v(before + 1)));
        }
    } else {
        let slope = (xe - xs) as f64 / dy as f64;
        let u = |t: i64| (xs as f64 + slope * t as f64 + 0.5) as i64;
        for column in columns {
            let middle = STEPS * column as i64 + MIDDLE;
            let crossed = |t: i64| if xs < xe { u(t) > middle } else { u(t) <= middle };
            found(column, ys + last_before(dy, crossed));
        }
    }
}

/// The columns of the image whose middle lies between two grid lines, `low` ≤ `high`.
fn columns_between(low: i64, high: i64, width: usize) -> std::ops::Range<usize> {
    let first = (low - MIDDLE + STEPS - 1).div_euclid(STEPS).max(0) as usize;
    let past = (high - 1 - MIDDLE).div_euclid(STEPS).saturating_add(1).max(0) as usize;
    first..past.min(width)
}

/// The last `t` in `0..end` at which `crossed` is false, given that it turns true once and for all by `end`.
fn last_before(end: i64, crossed: impl Fn(i64) -> bool) -> i64 {
    let (mut low, mut high) = (0, end);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if crossed(middle) { high = middle } else { low = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_corners_cost_no_more_than_the_image() {
        let far = [f64::MAX, f64::MIN, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e300, -1e300, 0.0, 7.5];
        let corners: Vec<[f64; 2]> = far.iter().flat_map(|&x| far.map(|y| [x, y])).collect();
        let bitmap = rasterise(&[corners.clone(), corners, vec![], vec![[1.0, 1.0]]], 16, 16).expect("a size");
        assert!(bitmap.pixels().iter().all(|&pixel| pixel <= 1));
    }

    #[test]
    fn outlines_are_united_and_no_size_is_refused() {
        let square = |x: f64| vec![[x, 0.0], [x + 2.0, 0.0], [x + 2.0, 1.0], [x, 1.0]];
        let bitmap = rasterise(&[square(0.0), square(1.0), square(0.0)], 4, 1).expect("a size");
        assert_eq!(bitmap.pixels(), [1, 1, 1, 0]);
        assert_eq!(rasterise(&[], 2, 0), Err(MaskSizeError::Side { width: 2, height: 0 }));
        assert!(rasterise(&[], u32::MAX, u32::MAX).is_err());
    }
}
