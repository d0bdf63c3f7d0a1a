//! Pillow's convolution resampling of 8-bit images, to the bit.
//!
//! Along the rows, then down the columns (the other way round where the width grows and the height shrinks, as Pillow 13 does),
//! each pass rounded to 8 bits, with weights in fixed point of 22 fraction bits. Networks notice: with a resize that is only
//! within one level of Pillow's, single probabilities move by more than 0.01.
//!
//! # Source
//! The method and its constants are those of Pillow's `Resample.c`.

use std::f64::consts::PI;

use mvl_core::{Channels, Filter};
use mvl_kernels::{Axis, WEIGHT_BITS, along_rows, down_columns};

use super::View;

/// A resampling filter: its reach in source pixels at scale 1, and its weight at a distance.
#[derive(Clone, Copy)]
pub(super) struct Kernel {
    support: f64,
    weight: fn(f64) -> f64,
}

impl Kernel {
    /// How far it reaches in source pixels at scale 1.
    pub(super) fn support(self) -> f64 {
        self.support
    }
}

/// The kernel of a filter; `None` for nearest neighbour, which is no convolution.
pub(super) fn kernel(filter: Filter) -> Option<Kernel> {
    Some(match filter {
        Filter::Nearest => return None,
        Filter::Bicubic => Kernel { support: 2.0, weight: bicubic },
        Filter::Lanczos => Kernel { support: 3.0, weight: lanczos },
        _ => Kernel { support: 1.0, weight: bilinear },
    })
}

fn bilinear(x: f64) -> f64 {
    (1.0 - x.abs()).max(0.0)
}

fn bicubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    match x.abs() {
        x if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
        x if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
        _ => 0.0,
    }
}

fn lanczos(x: f64) -> f64 {
    let sinc = |x: f64| if x == 0.0 { 1.0 } else { (x * PI).sin() / (x * PI) };
    if (-3.0..3.0).contains(&x) { sinc(x) * sinc(x / 3.0) } else { 0.0 }
}

/// The working memory of a resize, kept from one image to the next.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    columns: Axis,
    rows: Axis,
    between: Vec<u8>,
}

/// What is resampled along one axis: `len` source pixels from `start` on become `resized`, of which `kept` from `first` on are
/// wanted. Where the source is a reduced picture, it may begin and end inside a pixel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub(super) start: f64,
    pub(super) len: f64,
    pub(super) resized: u32,
    pub(super) first: u32,
    pub(super) kept: u32,
}

/// Resamples a view to rows of `columns.kept` pixels, mirrored if asked.
pub(super) fn resample(
    view: View<'_>,
    [rows, columns]: [Stretch; 2],
    kernel: Kernel,
    mirrored: bool,
    workspace: &mut Workspace,
    target: &mut Vec<u8>,
) {
    fill(&mut workspace.columns, columns, kernel);
    fill(&mut workspace.rows, rows, kernel);
    if mirrored {
        workspace.columns.reverse();
    }
    let shrink_first = f64::from(columns.resized) > columns.len && f64::from(rows.resized) < rows.len;
    match (view.channels, shrink_first) {
        (Channels::Gray, false) => rows_first::<1>(view, workspace, target),
        (Channels::Gray, true) => columns_first::<1>(view, workspace, target),
        (_, false) => rows_first::<3>(view, workspace, target),
        (_, true) => columns_first::<3>(view, workspace, target),
    }
}

/// The rows that are needed become narrower, then fewer.
fn rows_first<const C: usize>(view: View<'_>, workspace: &mut Workspace, target: &mut Vec<u8>) {
    let Workspace { columns, rows, between } = workspace;
    let row_bytes = view.width as usize * C;
    let reach = rows.reach();
    let width = columns.len() * C;
    between.resize(reach.len() * width, 0);
    along_rows::<C>(&view.pixels[reach.start * row_bytes..reach.end * row_bytes], row_bytes, columns, between);
    target.resize(rows.len() * width, 0);
    down_columns(between, width, reach.start, rows, target);
}

/// The rows become fewer, then wider.
fn columns_first<const C: usize>(view: View<'_>, workspace: &mut Workspace, target: &mut Vec<u8>) {
    let Workspace { columns, rows, between } = workspace;
    let row_bytes = view.width as usize * C;
    between.resize(rows.len() * row_bytes, 0);
    down_columns(view.pixels, row_bytes, 0, rows, between);
    target.resize(rows.len() * columns.len() * C, 0);
    along_rows::<C>(between, row_bytes, columns, target);
}

/// Which source pixels make each kept pixel along one axis, and with what weights.
fn fill(axis: &mut Axis, stretch: Stretch, kernel: Kernel) {
    let scale = stretch.len / f64::from(stretch.resized);
    let filter_scale = scale.max(1.0); // shrinking widens the filter: antialiasing
    let reach = kernel.support * filter_scale;
    // Places count from the whole pixel before the start, so that a box gives what it would give if it were cut out first.
    let whole = stretch.start.floor();
    let part = stretch.start - whole;
    let end = (part + stretch.len).ceil();
    axis.clear();
    for at in stretch.first..stretch.first + stretch.kept {
        let centre = part + (f64::from(at) + 0.5) * scale;
        let from = (centre - reach + 0.5).max(0.0) as u32;
        let to = (centre + reach + 0.5).min(end) as u32;
        let weight = |x: u32| (kernel.weight)((f64::from(x) - centre + 0.5) * (1.0 / filter_scale));
        let total: f64 = (from..to).map(weight).sum();
        let share = |x| if total == 0.0 { 0.0 } else { weight(x) / total };
        axis.push((whole + f64::from(from)) as usize, (from..to).map(|x| to_fixed_point(share(x))));
    }
}

/// Rounds half away from zero.
fn to_fixed_point(weight: f64) -> i32 {
    (weight * f64::from(1 << WEIGHT_BITS)).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first source pixel of a pixel, and the weights from there on, read off by resampling single bright pixels.
    fn weights(kernel: Kernel, len: u32, resized: u32, at: u32) -> Vec<f64> {
        let one = |bright: u32| {
            let pixels: Vec<u8> = (0..len).map(|x| if x == bright { 255 } else { 0 }).collect();
            let view = View { pixels: &pixels, height: 1, width: len, channels: Channels::Gray };
            let row = Stretch { start: 0.0, len: 1.0, resized: 1, first: 0, kept: 1 };
            let columns = Stretch { start: 0.0, len: f64::from(len), resized, first: at, kept: 1 };
            let mut target = Vec::new();
            resample(view, [row, columns], kernel, false, &mut Workspace::default(), &mut target);
            f64::from(target[0]) / 255.0
        };
        (0..len).map(one).collect()
    }

    #[test]
    fn halving_averages_four_pixels_with_a_triangle() {
        let bilinear = kernel(Filter::Bilinear).expect("a convolution");
        let got = weights(bilinear, 8, 4, 1);
        let expected = [0.0, 0.125, 0.375, 0.375, 0.125, 0.0, 0.0, 0.0];
        assert!(got.iter().zip(expected).all(|(got, expected)| (got - expected).abs() <= 0.5 / 255.0), "{got:?}");
    }

    #[test]
    fn a_flat_image_stays_flat() {
        for filter in [Filter::Bilinear, Filter::Bicubic, Filter::Lanczos] {
            for (len, resized) in [(7, 3), (3, 7), (5, 5), (100, 1), (1, 100)] {
                for level in [1, 128, 255] {
                    let pixels = vec![level; len as usize];
                    let view = View { pixels: &pixels, height: 1, width: len, channels: Channels::Gray };
                    let row = Stretch { start: 0.0, len: 1.0, resized: 1, first: 0, kept: 1 };
                    let columns = Stretch { start: 0.0, len: f64::from(len), resized, first: 0, kept: resized };
                    let (mut workspace, mut target) = (Workspace::default(), Vec::new());
                    let kernel = kernel(filter).expect("a convolution");
                    resample(view, [row, columns], kernel, false, &mut workspace, &mut target);
                    assert_eq!(target, vec![level; resized as usize], "{filter:?} {len} to {resized}");
                }
            }
        }
    }

    #[test]
    fn the_same_size_changes_nothing_and_a_mirror_turns_it() {
        let pixels = [0, 50, 255, 7, 8, 9];
        let view = View { pixels: &pixels, height: 2, width: 3, channels: Channels::Gray };
        let whole = |len: u32| Stretch { start: 0.0, len: f64::from(len), resized: len, first: 0, kept: len };
        for filter in [Filter::Bilinear, Filter::Bicubic, Filter::Lanczos] {
            let (mut workspace, mut target) = (Workspace::default(), Vec::new());
            for (mirrored, expected) in [(false, pixels), (true, [255, 50, 0, 9, 8, 7])] {
                let kernel = kernel(filter).expect("a convolution");
                resample(view, [whole(2), whole(3)], kernel, mirrored, &mut workspace, &mut target);
                assert_eq!(target, expected);
            }
        }
    }

    #[test]
    fn a_box_may_begin_inside_a_pixel() {
        // Pixels 0.5 to 2.5 of a ramp, as one: half of the first, all of the second, half of the third.
        let pixels = [0, 100, 200, 250];
        let view = View { pixels: &pixels, height: 1, width: 4, channels: Channels::Gray };
        let row = Stretch { start: 0.0, len: 1.0, resized: 1, first: 0, kept: 1 };
        let columns = Stretch { start: 0.5, len: 2.0, resized: 1, first: 0, kept: 1 };
        let (mut workspace, mut target) = (Workspace::default(), Vec::new());
        let kernel = kernel(Filter::Bilinear).expect("a convolution");
        resample(view, [row, columns], kernel, false, &mut workspace, &mut target);
        assert_eq!(target, [100]);
    }
}
