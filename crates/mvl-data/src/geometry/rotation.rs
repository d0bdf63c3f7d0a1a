//! Turned around a point.

use mvl_core::Image;

use super::affine::middle;
use super::affine_matrix::{AffineGrid, AffineMatrix};
use super::sampling::nearest;
use super::{AffineParameters, Geometry, Sampling, Sources};

/// Below this, a corner of the turned image counts as lying on a pixel's edge.
const EDGE_STEP: f32 = 1e-4;

/// torchvision's `rotate`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rotation {
    from: [u32; 2],
    to: [u32; 2],
    forward: AffineMatrix,
    /// The upper left corner of the turned image, where it grows to hold all of it.
    origin: [f64; 2],
    pixels: Pixels,
    sampling: Sampling,
}

/// How pixels are looked up.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Pixels {
    /// Whole quarter turns, counter-clockwise: every pixel stays whole.
    Quarters(u8),
    Between(AffineGrid),
}

impl Rotation {
    /// By `angle` degrees counter-clockwise, for images of `[height, width]`.
    ///
    /// With `expand` the image grows, or shrinks, to hold all of the turned one. `center` is the point that stays where it is,
    /// `[x, y]`; the middle unless said otherwise.
    #[must_use]
    pub fn new(size: [u32; 2], angle: f64, expand: bool, center: Option<[f64; 2]>, sampling: Sampling) -> Self {
        let change = AffineParameters { angle: -angle, center, ..AffineParameters::default() };
        let middle = middle(size);
        let around = center.unwrap_or(middle);
        let forward = AffineMatrix::forward(&change, around);
        let inverse = AffineMatrix::inverse(&change, [around[0] - middle[0], around[1] - middle[1]]);
        let [height, width] = size.map(f64::from);
        let corners = [[0.0, 0.0], [0.0, height], [width, height], [width, 0.0]].map(|corner| forward.point(corner));
        let least = |axis: usize| corners.iter().map(|corner| corner[axis]).fold(f64::INFINITY, f64::min);
        let pixels = match angle.rem_euclid(360.0) {
            _ if center.is_some() => None,
            0.0 => Some(0),
            90.0 if expand || size[0] == size[1] => Some(1),
            180.0 => Some(2),
            270.0 if expand || size[0] == size[1] => Some(3),
            _ => None,
        };
        let to = match pixels {
            Some(1 | 3) => [size[1], size[0]],
            Some(_) => size,
            None if expand => expanded(inverse, size),
            None => size,
        };
        Self {
            from: size,
            to,
            forward,
            origin: if expand { [least(0), least(1)] } else { [0.0; 2] },
            pixels: pixels.map_or_else(|| Pixels::Between(AffineGrid::new(inverse, size, to)), Pixels::Quarters),
            sampling,
        }
    }
}

/// The `[height, width]` that holds a turned image. In 32-bit floats, like torchvision's: whether a corner is on a pixel's edge
/// hangs on the last bit.
fn expanded(inverse: AffineMatrix, size: [u32; 2]) -> [u32; 2] {
    let ([across, down], [half_height, half_width]) = (inverse.rows(), size.map(|side| 0.5 * side as f32));
    let corners = [(-1.0, -1.0), (-1.0, 1.0), (1.0, 1.0), (1.0, -1.0)].map(|(x, y)| (x * half_width, y * half_height));
    let extent = |[a, b, c]: [f32; 3], half: f32| {
        let places = corners.map(|(x, y)| a * x + b * y + c);
        let cut = |place: f32| ((place + half) * (1.0 / EDGE_STEP)).trunc() * EDGE_STEP;
        let first = cut(places.into_iter().fold(f32::INFINITY, f32::min)).floor();
        let last = cut(places.into_iter().fold(f32::NEG_INFINITY, f32::max)).ceil();
        ((last - first) as u32).max(1)
    };
    [extent(down, half_height), extent(across, half_width)]
}

impl Geometry for Rotation {
    fn input_size(&self) -> [u32; 2] {
        self.from
    }

    fn output_size(&self) -> [u32; 2] {
        self.to
    }

    fn point(&self, point: [f64; 2]) -> [f64; 2] {
        let [x, y] = self.forward.point(point);
        [x - self.origin[0], y - self.origin[1]]
    }

    fn sources(&self) -> Sources {
        match self.pixels {
            Pixels::Between(grid) => nearest(self.from, self.to, |x, y| grid.at(x, y)),
            Pixels::Quarters(turns) => {
                let [last_row, last_column] = self.from.map(|side| side - 1);
                Sources::pixels(self.from, self.to, |x, y| {
                    Some(match turns {
                        0 => [x, y],
                        1 => [last_column - y, x],
                        2 => [last_column - x, last_row - y],
                        _ => [y, last_row - x],
                    })
                })
            }
        }
    }

    fn image(&self, image: Image) -> Image {
        match self.pixels {
            Pixels::Quarters(0) => image,
            Pixels::Quarters(_) => self.sources().gather_image(&image, self.sampling.fill),
            Pixels::Between(grid) => self.sampling.image(&image, self.to, |x, y| grid.at(x, y)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mvl_core::{BoxXyxy, Channels};

    #[test]
    fn a_quarter_turn_by_hand() {
        let image = Image::new(3, 2, Channels::Gray, vec![1, 2, 3, 4, 5, 6]).expect("six bytes");
        let turn = Rotation::new([2, 3], 90.0, true, None, Sampling::default());
        let turned = turn.image(image.clone());
        assert_eq!(([turned.height(), turned.width()], turned.pixels()), ([3, 2], &[3, 6, 2, 5, 1, 4][..]));
        // The pixel 3, in the upper right corner, is now in the upper left.
        assert_eq!(turn.bbox(BoxXyxy::new(2.0, 0.0, 3.0, 1.0)), BoxXyxy::new(0.0, 0.0, 1.0, 1.0));
        let back = Rotation::new([3, 2], -90.0, true, None, Sampling::default());
        assert_eq!(back.image(turned), image);
    }

    #[test]
    fn the_turned_image_is_held() {
        let size = |angle| Rotation::new([30, 40], angle, true, None, Sampling::default()).output_size();
        assert_eq!(size(45.0), [50, 50]); // (30 + 40) / √2 = 49.5
        assert_eq!(size(30.0), [46, 50]); // 40 / 2 + 30 * 0.866 = 45.98, and 40 * 0.866 + 30 / 2 = 49.64
    }
}
