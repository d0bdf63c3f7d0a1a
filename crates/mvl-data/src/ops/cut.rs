//! A part of a picture, brought to another size: what a crop with a resize, a resize with a centre crop and a mirror image come
//! to, in one pass over no more pixels than are needed.

use mvl_core::{Channels, Filter};

use super::resample::{Kernel, Stretch, Workspace, kernel, resample};
use super::{CropBox, View};

/// Cut `area` out of a picture, resize it to `size`, keep a part of that, mirror it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cut {
    /// In pixels of the picture.
    pub(crate) area: CropBox,
    /// `[height, width]` to which `area` is brought.
    pub(crate) size: [u32; 2],
    /// The part of that which is kept.
    pub(crate) kept: CropBox,
    /// How it is resized.
    pub(crate) filter: Filter,
    /// Whether left and right are swapped in the end.
    pub(crate) mirrored: bool,
}

/// A picture, or a part of it, perhaps at a reduced size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    /// What is there of the picture.
    pub(crate) view: View<'a>,
    /// The first row and column that are there, in pixels of the reduced picture.
    pub(crate) origin: [u32; 2],
    /// How many of the picture's pixels are one here, along each side.
    pub(crate) reduction: u32,
}

impl<'a> From<View<'a>> for Part<'a> {
    fn from(view: View<'a>) -> Self {
        Self { view, origin: [0; 2], reduction: 1 }
    }
}

/// The working memory of cuts, kept from one to the next.
#[derive(Debug, Default)]
pub(crate) struct CutWorkspace(Workspace);

impl Cut {
    /// All of an area, brought to a size.
    pub(crate) fn new(area: CropBox, size: [u32; 2], filter: Filter) -> Self {
        let kept = CropBox { top: 0, left: 0, height: size[0], width: size[1] };
        Self { area, size, kept, filter, mirrored: false }
    }

    /// The part of the picture that its pixels are made of.
    pub(crate) fn needed(&self) -> CropBox {
        let support = kernel(self.filter).map_or(0.0, Kernel::support);
        let along = |start: u32, len: u32, resized: u32, first: u32, kept: u32| {
            let scale = f64::from(len) / f64::from(resized);
            let reach = support * scale.max(1.0) + 1.0;
            let from = (f64::from(first) * scale - reach).max(0.0) as u32;
            let to = ((f64::from(first + kept) * scale + reach).ceil() as u32).min(len);
            (start + from, to - from)
        };
        let Self { area, size, kept, .. } = self;
        let (top, height) = along(area.top, area.height, size[0], kept.top, kept.height);
        let (left, width) = along(area.left, area.width, size[1], kept.left, kept.width);
        CropBox { top, left, height, width }
    }

    /// How far a decoder may reduce the picture so that what is left is still no smaller than the result: 1, 2, 4 or 8.
    pub(crate) fn reduction(&self) -> u32 {
        let shrinks = |by: u32| self.area.height >= by * self.size[0] && self.area.width >= by * self.size[1];
        [8, 4, 2].into_iter().find(|&by| shrinks(by) && self.filter != Filter::Nearest).unwrap_or(1)
    }

    /// Computes the pixels, `[kept.height, kept.width, C]`.
    ///
    /// # Panics
    /// If the part does not hold what is needed.
    pub(crate) fn apply(&self, part: Part<'_>, workspace: &mut CutWorkspace, target: &mut Vec<u8>) {
        let Self { area, size, kept, .. } = self;
        let Some(kernel) = kernel(self.filter) else {
            nearest(self, part, target);
            return;
        };
        let reduction = f64::from(part.reduction);
        let stretch = |start: u32, len: u32, origin: u32, resized: u32, first: u32, kept: u32| Stretch {
            start: f64::from(start) / reduction - f64::from(origin),
            len: f64::from(len) / reduction,
            resized,
            first,
            kept,
        };
        let rows = stretch(area.top, area.height, part.origin[0], size[0], kept.top, kept.height);
        let columns = stretch(area.left, area.width, part.origin[1], size[1], kept.left, kept.width);
        resample(part.view, [rows, columns], kernel, self.mirrored, &mut workspace.0, target);
    }
}

/// Pillow's nearest neighbour.
fn nearest(cut: &Cut, part: Part<'_>, target: &mut Vec<u8>) {
    let Cut { area, size, kept, .. } = cut;
    let rows = nearest_places(area.top, area.height, size[0], kept.top, kept.height);
    let mut columns = nearest_places(area.left, area.width, size[1], kept.left, kept.width);
    if cut.mirrored {
        columns.reverse();
    }
    let View { pixels, width, channels, .. } = part.view;
    let [top, left] = part.origin.map(|origin| origin as usize);
    let row_bytes = width as usize * channels.count();
    target.clear();
    for row in rows {
        let row = &pixels[(row - top) * row_bytes..][..row_bytes];
        match channels {
            Channels::Gray => target.extend(columns.iter().map(|&column| row[column - left])),
            _ => target.extend(columns.iter().flat_map(|&column| row.as_chunks::<3>().0[column - left])),
        }
    }
}

/// The source pixel of each target pixel along one axis. Pillow adds the step up instead of multiplying it, and so do we:
/// where a centre falls on a pixel's edge, the rounding decides.
fn nearest_places(start: u32, len: u32, resized: u32, kept_start: u32, kept: u32) -> Vec<usize> {
    let step = f64::from(len) / f64::from(resized);
    let mut centre = step * 0.5;
    let mut places = Vec::with_capacity(kept as usize);
    for at in 0..kept_start + kept {
        if at >= kept_start {
            places.push(start as usize + (centre as usize).min(len as usize - 1));
        }
        centre += step;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILTERS: [Filter; 4] = [Filter::Nearest, Filter::Bilinear, Filter::Bicubic, Filter::Lanczos];

    #[test]
    fn nearest_takes_the_pixel_under_the_centre() {
        assert_eq!(nearest_places(0, 4, 2, 0, 2), [1, 3]);
        assert_eq!(nearest_places(0, 2, 5, 0, 5), [0, 0, 1, 1, 1]);
        assert_eq!(nearest_places(10, 3, 3, 1, 2), [11, 12]);
    }

    #[test]
    fn the_needed_part_is_enough() {
        let (width, height) = (61, 47);
        let pixels: Vec<u8> = (0..width * height * 3).map(|at| (at * at * 31 + at * 7) as u8).collect();
        let whole = View { pixels: &pixels, height, width, channels: Channels::Rgb };
        let (mut workspace, mut expected, mut got) = (CutWorkspace::default(), Vec::new(), Vec::new());
        for (area, size, kept) in [
            ([3, 5, 40, 50], [10, 12], [2, 3, 5, 4]),
            ([0, 0, 47, 61], [90, 100], [30, 0, 11, 50]),
            ([7, 1, 9, 60], [9, 20], [0, 10, 9, 10]),
        ] {
            let to_box = |[top, left, height, width]: [u32; 4]| CropBox { top, left, height, width };
            for filter in FILTERS {
                let cut = Cut { area: to_box(area), size, kept: to_box(kept), filter, mirrored: true };
                cut.apply(whole.into(), &mut workspace, &mut expected);
                let needed = cut.needed();
                let rows =
                    pixels.chunks_exact(width as usize * 3).skip(needed.top as usize).take(needed.height as usize);
                let cropped: Vec<u8> = rows
                    .flat_map(|row| &row[needed.left as usize * 3..][..needed.width as usize * 3])
                    .copied()
                    .collect();
                let view =
                    View { pixels: &cropped, height: needed.height, width: needed.width, channels: Channels::Rgb };
                let part = Part { view, origin: [needed.top, needed.left], reduction: 1 };
                cut.apply(part, &mut workspace, &mut got);
                assert_eq!(got, expected, "{cut:?}");
            }
        }
    }

    #[test]
    fn a_reduced_picture_stays_large_enough() {
        let cut = |height, width| Cut::new(CropBox { top: 0, left: 0, height, width }, [224, 224], Filter::Bilinear);
        assert_eq!(cut(447, 900).reduction(), 1);
        assert_eq!(cut(448, 448).reduction(), 2);
        assert_eq!(cut(3000, 4000).reduction(), 8);
        assert_eq!(Cut { filter: Filter::Nearest, ..cut(3000, 4000) }.reduction(), 1);
    }
}
