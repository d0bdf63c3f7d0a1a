//! A colour for each class, far from its neighbours'.

/// A bright colour: hues by the golden ratio, so that however many classes there are, neighbours differ.
///
/// # Example
/// ```
/// assert_ne!(mvl_data::class_color(0), mvl_data::class_color(1));
/// ```
#[must_use]
pub fn class_color(class: usize) -> [u8; 3] {
    const GOLDEN_RATIO: f64 = 0.618_033_988_749_894_9;
    const FIRST_HUE: f64 = 0.33; // green stands out from most pictures
    let hue = (FIRST_HUE + (class % 4096) as f64 * GOLDEN_RATIO).fract();
    // Every third round is darker, so that like hues can be told apart.
    let value = [1.0, 0.85, 0.7][class / 8 % 3];
    rgb(hue, 0.8, value)
}

/// From hue, saturation and value, each 0 to 1.
fn rgb(hue: f64, saturation: f64, value: f64) -> [u8; 3] {
    [0.0, 2.0 / 3.0, 1.0 / 3.0].map(|offset| {
        let at = (hue + offset).fract() * 6.0;
        let share = ((at - 3.0).abs() - 1.0).clamp(0.0, 1.0);
        (255.0 * value * (1.0 - saturation + saturation * share)).round() as u8
    })
}

/// Whether dark writing reads better on it than white.
pub(super) fn is_light([r, g, b]: [u8; 3]) -> bool {
    2 * u32::from(r) + 5 * u32::from(g) + u32::from(b) > 8 * 128
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hues_by_hand() {
        assert_eq!(rgb(0.0, 1.0, 1.0), [255, 0, 0]);
        assert_eq!(rgb(1.0 / 3.0, 1.0, 1.0), [0, 255, 0]);
        assert_eq!(rgb(0.5, 1.0, 1.0), [0, 255, 255]);
        assert_eq!(rgb(0.7, 0.0, 0.5), [128; 3]);
    }
}
