//! Maps at another size, as `torch.nn.functional.interpolate` with `align_corners=False` makes them: a product with one matrix a
//! side, so that gradients flow and any device will do. `[N, C, H, W]` → `[N, C, H', W']`

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

/// How new cells are made of old ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// The cell that lies under the new one's beginning.
    Nearest,
    /// Two cells a side.
    Bilinear,
    /// Four cells a side, cubic convolution: a = -0.75, or -0.5 where antialiased (as PyTorch).
    Bicubic,
}

/// A map at another size, in the map's type. `antialias` widens the kernel where the map shrinks.
///
/// # Shapes
/// `[N, C, H, W]` → `[N, C, size[0], size[1]]`
///
/// # Panics
/// If a side is 0.
#[must_use]
pub fn resample(map: Tensor<4>, size: [usize; 2], interpolation: Interpolation, antialias: bool) -> Tensor<4> {
    let [_, _, height, width] = map.dims();
    let device = map.device();
    let map = if size[0] == height {
        map
    } else {
        let rows: Tensor<4> = matrix(height, size[0], interpolation, antialias, &device).unsqueeze(); // [1, 1, H', H]
        rows.cast(map.dtype()).matmul(map)
    };
    if size[1] == width {
        return map;
    }
    let columns: Tensor<4> = matrix(width, size[1], interpolation, antialias, &device).unsqueeze(); // [1, 1, W', W]
    let columns = columns.cast(map.dtype());
    map.matmul(columns.swap_dims(2, 3))
}

/// Weights of old cells in new ones, `[to, from]`.
fn matrix(from: usize, to: usize, interpolation: Interpolation, antialias: bool, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(weights(from, to, interpolation, antialias), [to, from]), device)
}

fn weights(from: usize, to: usize, interpolation: Interpolation, antialias: bool) -> Vec<f32> {
    assert!(from > 0 && to > 0, "expected sides above 0, got {from} and {to}");
    let scale = from as f64 / to as f64;
    let mut weights = vec![0.0; from * to];
    for (cell, row) in weights.chunks_exact_mut(from).enumerate() {
        if interpolation == Interpolation::Nearest {
            row[((cell as f64 * scale) as usize).min(from - 1)] = 1.0;
            continue;
        }
        let spread = if antialias { scale.max(1.0) } else { 1.0 };
        let (kernel, radius): (fn(f64, bool) -> f64, f64) = match interpolation {
            Interpolation::Bicubic => (cubic, 2.0),
            _ => (triangle, 1.0),
        };
        let centre = (cell as f64 + 0.5) * scale; // in old cells, from their border
        let first = (centre - radius * spread - 0.5).floor() as i64;
        let last = (centre + radius * spread + 0.5).ceil() as i64;
        let taps = (first..=last).map(|old| (old, kernel((old as f64 + 0.5 - centre) / spread, antialias)));
        let mut taps: Vec<(i64, f64)> = taps.filter(|&(_, weight)| weight != 0.0).collect();
        if antialias {
            taps.retain(|(old, _)| (0..from as i64).contains(old)); // what lies outside does not count
        }
        let sum: f64 = taps.iter().map(|(_, weight)| weight).sum();
        for (old, weight) in taps {
            row[old.clamp(0, from as i64 - 1) as usize] += (weight / sum) as f32;
        }
    }
    weights
}

fn triangle(distance: f64, _antialias: bool) -> f64 {
    (1.0 - distance.abs()).max(0.0)
}

fn cubic(distance: f64, antialias: bool) -> f64 {
    let a = if antialias { -0.5 } else { -0.75 };
    let x = distance.abs();
    if x < 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: &[f32], expected: &[f32]) {
        assert_eq!(got.len(), expected.len());
        for (got, expected) in got.iter().zip(expected) {
            assert!((got - expected).abs() < 1e-6, "expected {expected}, got {got}");
        }
    }

    #[test]
    fn weights_are_those_of_torch() {
        close(&weights(2, 4, Interpolation::Bilinear, false), &[1.0, 0.0, 0.75, 0.25, 0.25, 0.75, 0.0, 1.0]);
        close(&weights(4, 2, Interpolation::Bilinear, false), &[0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5]);
        close(
            &weights(4, 2, Interpolation::Bilinear, true),
            &[0.428_571_43, 0.428_571_43, 0.142_857_15, 0.0, 0.0, 0.142_857_15, 0.428_571_43, 0.428_571_43],
        );
        close(&weights(2, 4, Interpolation::Nearest, false), &[1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0]);
        // interpolate(eye(3), size=2, mode="bicubic"): its outermost cells take in what lies outside
        close(
            &weights(4, 2, Interpolation::Bicubic, false),
            &[0.5, 0.593_75, -0.093_75, 0.0, 0.0, -0.093_75, 0.593_75, 0.5],
        );
    }
}
