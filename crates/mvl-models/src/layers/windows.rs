//! Maps cut into windows that do not overlap, and put together again. `[N, H, W, C]` ↔ `[N · windows, L, C]`

use burn::tensor::Tensor;

/// Cuts a map into windows of `window[0]` rows and `window[1]` columns; those of a picture follow each other, rows first, and so do
/// a window's cells.
///
/// # Shapes
/// `[N, H, W, C]` → `[N · windows, window[0] · window[1], C]`
///
/// # Panics
/// If the window does not divide the map.
#[must_use]
pub fn split_windows(map: Tensor<4>, window: [usize; 2]) -> Tensor<3> {
    let [count, height, width, channels] = map.dims();
    let [rows, columns] = windows_of([height, width], window);
    map.reshape([count, rows, window[0], columns, window[1], channels]).permute([0, 1, 3, 2, 4, 5]).reshape([
        count * rows * columns,
        window[0] * window[1],
        channels,
    ])
}

/// The map that [`split_windows`] cut: `size` is its height and width.
///
/// # Shapes
/// `[N · windows, window[0] · window[1], C]` → `[N, size[0], size[1], C]`
///
/// # Panics
/// If the window does not divide the map.
#[must_use]
pub fn join_windows(windows: Tensor<3>, window: [usize; 2], size: [usize; 2]) -> Tensor<4> {
    let [count, _, channels] = windows.dims();
    let [rows, columns] = windows_of(size, window);
    let count = count / (rows * columns);
    windows
        .reshape([count, rows, columns, window[0], window[1], channels])
        .permute([0, 1, 3, 2, 4, 5])
        .reshape([count, size[0], size[1], channels])
}

fn windows_of(size: [usize; 2], window: [usize; 2]) -> [usize; 2] {
    let divides = size.iter().zip(window).all(|(side, window)| side.is_multiple_of(window));
    assert!(divides, "windows of {window:?} cells do not divide a map of {size:?}");
    [size[0] / window[0], size[1] / window[1]]
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Int, TensorData};
    use mvl_core::{Backend, Cpu};

    use super::*;

    #[test]
    fn windows_go_out_and_come_back() {
        let device = Cpu::device(0).expect("a CPU");
        let map = Tensor::<1, Int>::arange(0..16, &device).float().reshape([2, 2, 4, 1]);
        let windows = split_windows(map.clone(), [1, 2]);
        let expected: [[f32; 2]; 8] =
            [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0], [8.0, 9.0], [10.0, 11.0], [12.0, 13.0], [14.0, 15.0]];
        windows.clone().reshape([8, 2]).into_data().assert_eq(&TensorData::from(expected), true);
        let windows = split_windows(map.clone(), [2, 2]);
        let expected: [[f32; 4]; 4] =
            [[0.0, 1.0, 4.0, 5.0], [2.0, 3.0, 6.0, 7.0], [8.0, 9.0, 12.0, 13.0], [10.0, 11.0, 14.0, 15.0]];
        windows.clone().reshape([4, 4]).into_data().assert_eq(&TensorData::from(expected), true);
        join_windows(windows, [2, 2], [2, 4]).into_data().assert_eq(&map.into_data(), true);
    }
}
