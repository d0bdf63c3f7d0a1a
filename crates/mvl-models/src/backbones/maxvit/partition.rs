//! The two ways of cutting a map into groups of `side × side` cells: neighbours, or cells as far apart as there are groups.
//! `[N, H, W, C]` ↔ `[N, groups, side · side, C]`

use burn::config::Config;
use burn::tensor::Tensor;

/// Which cells attend to each other.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum Partition {
    /// Those of a window.
    Window,
    /// Those of a grid that spans the map.
    Grid,
}

impl Partition {
    /// # Shapes
    /// `[N, H, W, C]` → `[N, groups, side · side, C]`
    ///
    /// # Panics
    /// If the side does not divide the map's.
    pub(super) fn split(self, map: Tensor<4>, side: usize) -> Tensor<4> {
        let [count, height, width, channels] = map.dims();
        let [rows, columns] = groups([height, width], side);
        let cells = match self {
            Self::Window => map.reshape([count, rows, side, columns, side, channels]).permute([0, 1, 3, 2, 4, 5]),
            Self::Grid => map.reshape([count, side, rows, side, columns, channels]).permute([0, 2, 4, 1, 3, 5]),
        }; // [N, rows, columns, side, side, C]
        cells.reshape([count, rows * columns, side * side, channels])
    }

    /// The map that [`split`](Self::split) cut.
    ///
    /// # Shapes
    /// `[N, groups, side · side, C]` → `[N, size[0], size[1], C]`
    pub(super) fn join(self, cells: Tensor<4>, side: usize, size: [usize; 2]) -> Tensor<4> {
        let [count, _, _, channels] = cells.dims();
        let [rows, columns] = groups(size, side);
        let cells = cells.reshape([count, rows, columns, side, side, channels]);
        let cells = match self {
            Self::Window => cells.permute([0, 1, 3, 2, 4, 5]),
            Self::Grid => cells.permute([0, 3, 1, 4, 2, 5]),
        };
        cells.reshape([count, size[0], size[1], channels])
    }
}

fn groups(size: [usize; 2], side: usize) -> [usize; 2] {
    assert!(size.iter().all(|cells| cells.is_multiple_of(side)), "{side} does not divide a map of {size:?}");
    size.map(|cells| cells / side)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Int, TensorData};
    use mvl_core::{Backend, Cpu};

    use super::*;

    #[test]
    fn groups_go_out_and_come_back() {
        let device = Cpu::device(0).expect("a CPU");
        let map = Tensor::<1, Int>::arange(0..24, &device).float().reshape([1, 4, 6, 1]);
        let expected = [(Partition::Window, [0.0f32, 1.0, 6.0, 7.0]), (Partition::Grid, [0.0, 3.0, 12.0, 15.0])];
        for (partition, first) in expected {
            let cells = partition.split(map.clone(), 2);
            assert_eq!(cells.dims(), [1, 6, 4, 1]);
            cells.clone().narrow(1, 0, 1).reshape([4]).into_data().assert_eq(&TensorData::from(first), true);
            partition.join(cells, 2, [4, 6]).into_data().assert_eq(&map.clone().into_data(), true);
        }
    }
}
