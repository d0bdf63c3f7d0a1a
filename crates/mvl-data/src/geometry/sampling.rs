//! Pixels looked up between pixels, to PyTorch's `grid_sample` with `align_corners=False`.
//!
//! A grid says for every pixel where it is looked up: x and y from -1 at the image's first edge to 1 at its last. There is no
//! antialiasing. The arithmetic is that of PyTorch's x86 kernels in 32-bit floats, products and sums fused where they fuse them:
//! which pixel is the nearest hangs on the last bit.

use mvl_core::{Channels, Image};
use serde::{Deserialize, Serialize};

use super::{Fill, Sources};

/// How a pixel comes of its neighbours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interpolation {
    /// The nearest one.
    #[default]
    Nearest,
    /// The four around it, weighted by how near they are.
    Bilinear,
}

/// How an image is looked up, and what colour there is outside of it.
///
/// At the image's edges bilinear interpolation is torchvision's: the neighbours outside count as black, and of what comes out
/// a share as large as theirs is the fill.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sampling {
    /// How a pixel comes of its neighbours.
    pub interpolation: Interpolation,
    /// The colour outside.
    pub fill: Fill,
}

impl Sampling {
    /// An image of `to`, `[height, width]`, each pixel looked up where `grid` says.
    pub(super) fn image(self, image: &Image, to: [u32; 2], grid: impl Fn(u32, u32) -> [f32; 2]) -> Image {
        match (self.interpolation, image.channels()) {
            (Interpolation::Nearest, _) => nearest(image.size(), to, grid).gather_image(image, self.fill),
            (Interpolation::Bilinear, Channels::Gray) => self.bilinear::<1>(image, to, grid),
            (Interpolation::Bilinear, _) => self.bilinear::<3>(image, to, grid),
        }
    }

    fn bilinear<const C: usize>(self, image: &Image, to: [u32; 2], grid: impl Fn(u32, u32) -> [f32; 2]) -> Image {
        let (pixels, [height, width]) = (image.pixels().as_chunks::<C>().0, image.size());
        let fill = self.fill.levels(image.channels()).map(f32::from);
        let mut target = Vec::with_capacity(to[0] as usize * to[1] as usize * C);
        for (row, column) in (0..to[0]).flat_map(|row| (0..to[1]).map(move |column| (row, column))) {
            let [x, y] = in_pixels(grid(column, row), [height, width]);
            let (left, top) = (x.floor(), y.floor());
            let (east, south) = (x - left, y - top);
            let (west, north) = (1.0 - east, 1.0 - south);
            let neighbours = [
                (left, top, west * north),
                (left + 1.0, top, east * north),
                (left, top + 1.0, west * south),
                (left + 1.0, top + 1.0, east * south),
            ];
            let (mut levels, mut inside) = ([0.0; C], 0.0);
            for (x, y, weight) in neighbours {
                if let Some([x, y]) = place([x, y], [height, width]) {
                    inside += weight;
                    let pixel = &pixels[y as usize * width as usize + x as usize];
                    for (level, &source) in levels.iter_mut().zip(pixel) {
                        *level = fused(f32::from(source), weight, *level);
                    }
                }
            }
            let mixed = levels.iter().zip(fill).map(|(level, fill)| (level - fill) * inside + fill);
            target.extend(mixed.map(|level| level.round_ties_even() as u8));
        }
        Image::new(to[1], to[0], image.channels(), target).expect("a pixel for every place")
    }
}

/// The source pixels of an image of `to`, each the nearest to where `grid` says.
pub(super) fn nearest(from: [u32; 2], to: [u32; 2], grid: impl Fn(u32, u32) -> [f32; 2]) -> Sources {
    Sources::pixels(from, to, |x, y| place(in_pixels(grid(x, y), from).map(f32::round_ties_even), from))
}

/// From -1..1 to pixels, where whole numbers are the pixels' centres.
fn in_pixels([x, y]: [f32; 2], [height, width]: [u32; 2]) -> [f32; 2] {
    let scaled = |at: f32, side: u32| fused(at + 1.0, side as f32 / 2.0, -0.5);
    [scaled(x, width), scaled(y, height)]
}

/// The pixel at a whole place, if there is one; there is none at NaN.
fn place([x, y]: [f32; 2], [height, width]: [u32; 2]) -> Option<[u32; 2]> {
    let inside = |at: f32, side: u32| at >= 0.0 && at < side as f32;
    (inside(x, width) && inside(y, height)).then_some([x as u32, y as u32])
}

/// `a * b + c`, rounded once. (The product is exact in 64 bits. `f32::mul_add` is a slow call where the target has no such
/// instruction.)
pub(super) fn fused(a: f32, b: f32, c: f32) -> f32 {
    (f64::from(a) * f64::from(b) + f64::from(c)) as f32
}

/// `a * x + b * y + c`, in the order of PyTorch's matrix product and rounded as often.
pub(super) fn weighted_sum([a, b, c]: [f32; 3], x: f32, y: f32) -> f32 {
    a * x + b * y + c
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Image {
        Image::new(2, 2, Channels::Gray, vec![0, 100, 200, 40]).expect("four bytes")
    }

    #[test]
    fn the_middle_of_four_pixels_is_their_mean() {
        let sampling = Sampling { interpolation: Interpolation::Bilinear, fill: Fill::gray(10) };
        assert_eq!(sampling.image(&image(), [1, 1], |_, _| [0.0, 0.0]).pixels(), [85]);
        // A quarter of the last pixel is seen, 10 levels, and three quarters of that are fill: (10 - 10) * 0.25 + 10.
        assert_eq!(sampling.image(&image(), [1, 1], |_, _| [1.0, 1.0]).pixels(), [10]);
    }

    #[test]
    fn nothing_is_nowhere() {
        let sampling = Sampling { interpolation: Interpolation::Nearest, fill: Fill::gray(9) };
        for place in [[f32::NAN, 0.0], [f32::INFINITY, 0.0], [0.0, -3.0]] {
            assert_eq!(sampling.image(&image(), [1, 1], |_, _| place).pixels(), [9]);
        }
        assert_eq!(sampling.image(&image(), [1, 1], |_, _| [0.5, -0.5]).pixels(), [100]);
    }
}
