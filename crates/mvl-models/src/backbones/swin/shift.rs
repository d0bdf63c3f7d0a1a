//! How a map is cut into windows: padded to whole ones, and rolled where windows are moved. From sizes alone.

use burn::tensor::{Bool, Device, Tensor, TensorData};

/// Padding and shift of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WindowPlan {
    window: usize,
    /// Height and width after padding: multiples of the window.
    pub(super) padded: [usize; 2],
    /// Rows and columns by which the map is rolled up and left; 0 along a side that has but one window.
    pub(super) shift: [usize; 2],
}

impl WindowPlan {
    pub(super) fn new(size: [usize; 2], window: usize, shift: usize) -> Self {
        let padded = size.map(|side| side.next_multiple_of(window));
        Self { window, padded, shift: padded.map(|side| if side > window { shift } else { 0 }) }
    }

    pub(super) fn windows(&self) -> usize {
        self.padded.iter().map(|side| side / self.window).product()
    }

    pub(super) fn is_shifted(&self) -> bool {
        self.shift != [0, 0]
    }

    /// Which cells of a window must not attend to each other: rolling brought them together from opposite borders.
    ///
    /// # Shapes
    /// → `[1, windows, 1, L, L]`
    pub(super) fn strangers(&self, device: &Device) -> Tensor<5, Bool> {
        let windows = self.windows();
        let cells = self.window * self.window;
        let regions = Tensor::<2>::from_data(TensorData::new(self.regions(), [windows, cells]), device);
        let from: Tensor<5> = regions.clone().reshape([1, windows, 1, cells, 1]);
        let to: Tensor<5> = regions.reshape([1, windows, 1, 1, cells]);
        (from - to).not_equal_scalar(0.0)
    }

    /// A number for each cell, window by window: cells with the same are neighbours in the picture.
    fn regions(&self) -> Vec<f32> {
        let [height, width] = self.padded;
        let region = |axis: usize, at: usize| {
            let (side, shift) = (self.padded[axis], self.shift[axis]);
            usize::from(shift > 0 && at >= side - self.window) + usize::from(shift > 0 && at >= side - shift)
        };
        let mut regions = Vec::with_capacity(height * width);
        for top in (0..height).step_by(self.window) {
            for left in (0..width).step_by(self.window) {
                for row in top..top + self.window {
                    let columns = left..left + self.window;
                    regions.extend(columns.map(|column| (3 * region(0, row) + region(1, column)) as f32));
                }
            }
        }
        regions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_with_one_window_is_not_shifted() {
        let plan = WindowPlan::new([9, 6], 7, 3);
        assert_eq!((plan.padded, plan.shift, plan.windows()), ([14, 7], [3, 0], 2));
        assert!(!WindowPlan::new([7, 1], 7, 3).is_shifted());
        assert!(!WindowPlan::new([14, 14], 7, 0).is_shifted());
    }

    #[test]
    fn what_rolling_brought_together_are_strangers() {
        // rolled by one row and column, the last row and column came from the first
        let expected = [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 1.0, 2.0, 3.0, 3.0, 6.0, 6.0, 4.0, 5.0, 7.0, 8.0];
        assert_eq!(WindowPlan::new([4, 3], 2, 1).regions(), expected);
        assert_eq!(WindowPlan::new([4, 2], 2, 1).regions(), [0.0, 0.0, 0.0, 0.0, 3.0, 3.0, 6.0, 6.0]);
    }
}
