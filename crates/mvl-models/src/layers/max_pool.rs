//! The largest number under a window. `[N, C, H, W]` → `[N, C, H', W']`

use burn::nn::PaddingConfig2d;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};

/// How a window that is cut off at the end of a side is treated, and what is added around the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolEdge {
    /// Nothing is added, windows that are cut off are left out.
    Floor,
    /// Nothing is added, windows that are cut off count (PyTorch's `ceil_mode`).
    Ceil,
    /// Half the kernel is added on all sides, which no window prefers to a cell.
    Same,
}

/// A square window.
///
/// # Example
/// ```
/// use mvl_models::layers::{PoolEdge, max_pool};
/// assert!(max_pool(3, 2, PoolEdge::Ceil).ceil_mode);
/// ```
#[must_use]
pub fn max_pool(kernel: usize, stride: usize, edge: PoolEdge) -> MaxPool2d {
    let half = kernel / 2;
    let padding = match edge {
        PoolEdge::Same => PaddingConfig2d::Explicit(half, half, half, half),
        PoolEdge::Floor | PoolEdge::Ceil => PaddingConfig2d::Valid,
    };
    MaxPool2dConfig::new([kernel; 2])
        .with_strides([stride; 2])
        .with_padding(padding)
        .with_ceil_mode(edge == PoolEdge::Ceil)
        .init()
}
