//! Attention scores that depend on how two cells of a window lie to each other: a table with one row for each step from cell to
//! cell, and the row of each pair. Liu et al. 2021 (Swin), <https://arxiv.org/abs/2103.14030>.

use burn::tensor::{Int, Tensor};

/// For each pair of cells of a window, the row of their step in a table of `(2 · window[0] - 1) · (2 · window[1] - 1)` rows: `L · L`
/// numbers, pairs of the first cell first. Steps up and left come first in the table.
///
/// # Panics
/// If a side is 0.
#[must_use]
pub fn relative_position_index([rows, columns]: [usize; 2]) -> Vec<i64> {
    assert!(rows > 0 && columns > 0, "a window has cells");
    let cells = || (0..rows).flat_map(move |row| (0..columns).map(move |column| (row, column)));
    let pairs = cells().flat_map(|from| cells().map(move |to| (from, to)));
    pairs
        .map(|(from, to)| (from.0 + rows - 1 - to.0) * (2 * columns - 1) + from.1 + columns - 1 - to.1)
        .map(|row| row as i64)
        .collect()
}

/// What the table gives to each pair of cells.
///
/// # Shapes
/// `table`: `[steps, heads]`, `index`: `[L · L]` → `[1, heads, L, L]`
#[must_use]
pub fn relative_position_bias(table: Tensor<2>, index: Tensor<1, Int>, length: usize) -> Tensor<4> {
    let [_, heads] = table.dims();
    table.select(0, index).reshape([1, length, length, heads]).permute([0, 3, 1, 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_those_of_torchvision() {
        assert_eq!(relative_position_index([2, 2]), [4, 3, 1, 0, 5, 4, 2, 1, 7, 6, 4, 3, 8, 7, 5, 4]);
        assert_eq!(relative_position_index([1, 2]), [1, 0, 2, 1]);
    }
}
