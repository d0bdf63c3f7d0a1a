//! A picture seen at a slant: four corners go where they are told.
//!
//! # Source
//! `perspective` of torchvision.

use mvl_core::Image;

use super::sampling::{nearest, weighted_sum};
use super::{Geometry, Sampling, Sources};

/// Below this, a pivot means that the equations have no single solution.
const SINGULAR: f64 = 1e-9;

/// torchvision's `perspective`. The image keeps its size.
///
/// Pixel (x, y) is looked up at `(a x + b y + c) / (g x + h y + 1)`, `(d x + e y + f) / (g x + h y + 1)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Perspective {
    size: [u32; 2],
    /// a to h.
    coefficients: [f32; 8],
    /// The same for the way there.
    forward: [f64; 8],
    sampling: Sampling,
}

impl Perspective {
    /// The change that brings four points of an image of `[height, width]` to four others; both are `[x, y]`, clockwise from the
    /// upper left. `None` where no change does: three of them on one line.
    #[must_use]
    pub fn between(size: [u32; 2], start: [[f64; 2]; 4], end: [[f64; 2]; 4], sampling: Sampling) -> Option<Self> {
        let mut equations = [[0.0; 9]; 8];
        for (pair, ([x, y], [u, v])) in equations.as_chunks_mut::<2>().0.iter_mut().zip(end.into_iter().zip(start)) {
            pair[0] = [x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y, u];
            pair[1] = [0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y, v];
        }
        Self::new(size, solve(equations)?.map(|part| part as f32), sampling)
    }

    /// The change with these coefficients, a to h. `None` where it cannot be undone.
    #[must_use]
    pub fn new(size: [u32; 2], coefficients: [f32; 8], sampling: Sampling) -> Option<Self> {
        let [a, b, c, d, e, f, g, h] = coefficients.map(f64::from);
        let denominator = a * e - b * d;
        if denominator == 0.0 || !denominator.is_finite() {
            return None;
        }
        let forward = [
            e - f * h,
            -b + c * h,
            b * f - c * e,
            -d + f * g,
            a - c * g,
            -a * f + c * d,
            -e * g + d * h,
            -a * h + b * g,
        ];
        Some(Self { size, coefficients, forward: forward.map(|part| part / denominator), sampling })
    }

    /// Where a pixel is looked up.
    fn grid(&self) -> impl Fn(u32, u32) -> [f32; 2] {
        let [a, b, c, d, e, f, g, h] = self.coefficients;
        let [half_height, half_width] = self.size.map(|side| 0.5 * side as f32);
        let (across, down) = ([a, b, c].map(|part| part / half_width), [d, e, f].map(|part| part / half_height));
        move |x, y| {
            let (x, y) = (x as f32 + 0.5, y as f32 + 0.5);
            let depth = weighted_sum([g, h, 1.0], x, y);
            [weighted_sum(across, x, y) / depth - 1.0, weighted_sum(down, x, y) / depth - 1.0]
        }
    }
}

/// Eight equations for eight unknowns by Gauss's elimination; the last column is the right-hand side.
fn solve(mut equations: [[f64; 9]; 8]) -> Option<[f64; 8]> {
    for column in 0..8 {
        let largest =
            (column..8).max_by(|&a, &b| f64::total_cmp(&equations[a][column].abs(), &equations[b][column].abs()))?;
        equations.swap(column, largest);
        let pivot = equations[column];
        if pivot[column].abs() < SINGULAR || !pivot[column].is_finite() {
            return None;
        }
        for (row, equation) in equations.iter_mut().enumerate() {
            let factor = if row == column { 0.0 } else { equation[column] / pivot[column] };
            for (value, pivot) in equation.iter_mut().zip(pivot) {
                *value -= factor * pivot;
            }
        }
    }
    Some(std::array::from_fn(|row| equations[row][8] / equations[row][row]))
}

impl Geometry for Perspective {
    fn input_size(&self) -> [u32; 2] {
        self.size
    }

    fn output_size(&self) -> [u32; 2] {
        self.size
    }

    fn point(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [a, b, c, d, e, f, g, h] = self.forward;
        let depth = g * x + h * y + 1.0;
        [(a * x + b * y + c) / depth, (d * x + e * y + f) / depth]
    }

    fn sources(&self) -> Sources {
        nearest(self.size, self.size, self.grid())
    }

    fn image(&self, image: Image) -> Image {
        self.sampling.image(&image, self.size, self.grid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARE: [[f64; 2]; 4] = [[0.0, 0.0], [9.0, 0.0], [9.0, 9.0], [0.0, 9.0]];

    #[test]
    fn corners_go_where_they_are_told() {
        let end = [[1.0, 2.0], [8.0, 0.0], [7.0, 9.0], [0.0, 6.0]];
        let change = Perspective::between([10, 10], SQUARE, end, Sampling::default()).expect("a quadrilateral");
        for (start, end) in SQUARE.into_iter().zip(end) {
            let [x, y] = change.point(start);
            assert!((x - end[0]).abs() < 1e-5 && (y - end[1]).abs() < 1e-5, "{start:?} to {:?}", [x, y]);
        }
    }

    #[test]
    fn corners_on_a_line_are_refused() {
        let line = [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [0.0, 5.0]];
        assert_eq!(Perspective::between([10, 10], SQUARE, line, Sampling::default()), None);
        assert_eq!(Perspective::between([10, 10], SQUARE, [[3.0, 3.0]; 4], Sampling::default()), None);
    }
}
