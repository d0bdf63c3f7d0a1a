//! Coordinates as people write them.

use mvl_core::snap_to_grid;

/// More digits than this tell nothing: a step of the grid is 9.5e-7.
const MAX_DIGITS: i32 = 7;

/// The number with the fewest decimals that [`snap_to_grid`] takes to the same place, for text that stays short: 10.1, not
/// 10.099999904632568.
pub(super) fn decimal(pixels: f64) -> f64 {
    let snapped = snap_to_grid(pixels);
    let rounded = |digits| {
        let scale = 10_f64.powi(digits);
        (pixels * scale).round() / scale
    };
    (0..=MAX_DIGITS).map(rounded).find(|&short| snap_to_grid(short) == snapped).unwrap_or(snapped)
}

#[cfg(test)]
mod tests {
    use mvl_core::SampleRng;

    use super::*;

    #[test]
    fn short_and_to_the_same_place() {
        assert_eq!(decimal(snap_to_grid(10.1)), 10.1);
        assert_eq!(decimal(-3.0), -3.0);
        let mut rng = SampleRng::new([1; 4]);
        for _ in 0..1000 {
            let x = snap_to_grid(rng.between(-100.0, 20_000.0));
            assert_eq!(snap_to_grid(decimal(x)), x);
        }
    }
}
