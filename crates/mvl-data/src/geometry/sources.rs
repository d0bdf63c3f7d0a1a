//! Where each pixel comes from, worked out once for all planes of a sample.

use mvl_core::{Channels, Image};

use super::Fill;

/// In the table of pixels: this one comes from outside.
const OUTSIDE: u32 = u32::MAX;

/// The source pixel of every pixel, or that it lies outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    from: [u32; 2],
    to: [u32; 2],
    places: Places,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Places {
    /// A row and a column, each on its own.
    Axes { rows: Vec<Option<usize>>, columns: Vec<Option<usize>> },
    /// An index into the plane, or [`OUTSIDE`].
    Pixels(Vec<u32>),
}

impl Sources {
    /// For changes that take whole rows and columns: the source row of each row, and the source column of each column.
    ///
    /// # Panics
    /// If one of them is not in an image of `from`, `[height, width]`.
    #[must_use]
    pub fn axes(from: [u32; 2], rows: Vec<Option<usize>>, columns: Vec<Option<usize>>) -> Self {
        let inside = |places: &[Option<usize>], side: u32| places.iter().flatten().all(|&place| place < side as usize);
        assert!(inside(&rows, from[0]) && inside(&columns, from[1]), "a source lies outside of {from:?}");
        Self { from, to: [rows.len() as u32, columns.len() as u32], places: Places::Axes { rows, columns } }
    }

    /// For all others: `place` says for each (x, y) of an image of `to` which `[x, y]` of an image of `from` it is.
    ///
    /// # Panics
    /// If it is not in that image.
    #[must_use]
    pub fn pixels(from: [u32; 2], to: [u32; 2], place: impl Fn(u32, u32) -> Option<[u32; 2]>) -> Self {
        let [height, width] = from;
        assert!(u64::from(height) * u64::from(width) < u64::from(OUTSIDE), "too large a plane: {from:?}");
        let index = |x, y| {
            place(x, y).map_or(OUTSIDE, |[x, y]| {
                assert!(x < width && y < height, "({x}, {y}) lies outside of {from:?}");
                y * width + x
            })
        };
        let places = (0..to[0]).flat_map(|y| (0..to[1]).map(move |x| (x, y))).map(|(x, y)| index(x, y)).collect();
        Self { from, to, places: Places::Pixels(places) }
    }

    /// A plane, `[height, width]` in row-major order, after the change; `outside` stands where there is no source.
    ///
    /// # Panics
    /// If the plane does not have a value for every pixel that goes in.
    #[must_use]
    pub fn gather<T: Copy>(&self, plane: &[T], outside: T) -> Vec<T> {
        let [height, width] = self.from.map(|side| side as usize);
        assert_eq!(plane.len(), height * width, "a plane of {:?}", self.from);
        match &self.places {
            Places::Pixels(places) => {
                places.iter().map(|&at| if at == OUTSIDE { outside } else { plane[at as usize] }).collect()
            }
            Places::Axes { rows, columns } => {
                let mut gathered = Vec::with_capacity(rows.len() * columns.len());
                for row in rows {
                    match row {
                        None => gathered.extend(std::iter::repeat_n(outside, columns.len())),
                        Some(row) => {
                            let row = &plane[row * width..][..width];
                            gathered.extend(columns.iter().map(|column| column.map_or(outside, |at| row[at])));
                        }
                    }
                }
                gathered
            }
        }
    }

    /// An image after the change.
    pub(super) fn gather_image(&self, image: &Image, fill: Fill) -> Image {
        let levels = fill.levels(image.channels());
        let pixels = match image.channels() {
            Channels::Gray => self.gather(image.pixels(), levels[0]),
            _ => self.gather(image.pixels().as_chunks::<3>().0, levels).into_flattened(),
        };
        let [height, width] = self.to;
        Image::new(width, height, image.channels(), pixels).expect("a pixel for every place")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_columns_apart_or_pixel_by_pixel() {
        let plane = [1, 2, 3, 4, 5, 6]; // two rows of three
        let apart = Sources::axes([2, 3], vec![Some(1), None], vec![Some(2), None, Some(0)]);
        assert_eq!(apart.gather(&plane, 9), [6, 9, 4, 9, 9, 9]);
        let single = Sources::pixels([2, 3], [1, 2], |x, _| (x == 1).then_some([0, 1]));
        assert_eq!(single.gather(&plane, 9), [9, 4]);
    }

    #[test]
    #[should_panic(expected = "lies outside")]
    fn a_source_outside_panics() {
        let _ = Sources::axes([2, 3], vec![Some(2)], vec![Some(0)]);
    }
}
