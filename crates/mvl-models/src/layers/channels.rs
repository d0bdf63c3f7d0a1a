//! Channel counts scaled by a width multiplier, rounded the way torchvision rounds them.

use mvl_core::ModelError;

/// Channel counts are multiples of this after scaling.
const DIVISOR: usize = 8;
/// Rounding down may not lose more than this share.
const LEAST_SHARE: f64 = 0.9;
/// The largest multiplier of a net's width or depth, so that a config cannot ask for all of memory.
const MAX_FACTOR: f64 = 16.0;

/// The multiple of `divisor` nearest to `value`, at least `divisor`, and at least 90 % of `value`: the rounding of the
/// MobileNet papers' code.
///
/// # Panics
/// If `divisor` is 0.
///
/// # Example
/// ```
/// use mvl_models::layers::make_divisible;
/// assert_eq!([24.0, 4.8, 33.6, 11.0].map(|value| make_divisible(value, 8)), [24, 8, 32, 16]);
/// ```
///
/// # Source
/// torchvision's `_make_divisible`.
#[must_use]
pub fn make_divisible(value: f64, divisor: usize) -> usize {
    let rounded = ((value + divisor as f64 / 2.0) as usize / divisor * divisor).max(divisor);
    if (rounded as f64) < LEAST_SHARE * value { rounded + divisor } else { rounded }
}

/// `channels` at this width multiplier, a multiple of 8.
pub(crate) fn widen(channels: usize, width: f64) -> usize {
    make_divisible(channels as f64 * width, DIVISOR)
}

/// Refuses a width multiplier that makes no sense.
pub(crate) fn check_width(owner: &str, width: f64) -> Result<(), ModelError> {
    check_factor(owner, "width", width)
}

/// Refuses a multiplier of a net's width or depth that makes no sense.
pub(crate) fn check_factor(owner: &str, field: &str, factor: f64) -> Result<(), ModelError> {
    if factor > 0.0 && factor <= MAX_FACTOR {
        return Ok(());
    }
    let what = format!("{field}: expected a number above 0, at most {MAX_FACTOR}, got {factor}");
    Err(ModelError::InvalidOptions { owner: owner.to_owned(), what })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_like_torchvision() {
        // torchvision's channels of MobileNetV2 at width 0.25 and 1.4
        let channels = [32, 16, 24, 32, 64, 96, 160, 320];
        assert_eq!(channels.map(|count| widen(count, 0.25)), [8, 8, 8, 8, 16, 24, 40, 80]);
        assert_eq!(channels.map(|count| widen(count, 1.4)), [48, 24, 32, 48, 88, 136, 224, 448]);
    }

    #[test]
    fn senseless_widths_are_refused() {
        for width in [0.0, -1.0, f64::NAN, f64::INFINITY, 17.0] {
            assert!(check_width("m", width).is_err(), "{width}");
        }
        assert_eq!(
            check_width("resnet18", 0.0).expect_err("no channels").to_string(),
            "invalid options for \"resnet18\": width: expected a number above 0, at most 16, got 0"
        );
    }
}
